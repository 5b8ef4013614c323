package tokens

import (
	"bytes"
	"encoding/base64"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func pairwiseOf(b byte) *Pairwise {
	return &Pairwise{Secret: func() ([]byte, error) { return bytes.Repeat([]byte{b}, 32), nil }}
}

// OpenID Connect Core §8.1: no other party can reverse a pairwise subject, it differs in each
// sector, and it never changes.
func TestPairwise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pairwiseOf(1)
		user, sector := rapid.StringN(1, 40, 80).Draw(t, "user"), rapid.StringN(1, 40, 80).Draw(t, "sector")
		subject, err := p.Subject(sector, user)
		if err != nil || len(subject) > 255 { // Core §2: at most 255 ASCII characters
			t.Fatalf("%q: %v", subject, err)
		}
		again, _ := pairwiseOf(1).Subject(sector, user)
		if again != subject {
			t.Fatal("the same user in the same sector is another one")
		}
		if found, ok, err := p.User(subject); err != nil || !ok || found != user {
			t.Fatalf("%q is found for %q: %v %v", found, user, ok, err)
		}
		elsewhere, _ := p.Subject(sector+"x", user)
		other, _ := p.Subject(sector, user+"x")
		strange, _ := pairwiseOf(2).Subject(sector, user)
		if subject == elsewhere || subject == other || subject == strange {
			t.Fatal("two subjects are one")
		}
		if _, ok, err := pairwiseOf(2).User(subject); ok || err != nil {
			t.Fatal("another server reads the subject")
		}
		b, _ := base64.RawURLEncoding.DecodeString(subject)
		b[rapid.IntRange(0, len(b)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, ok, _ := p.User(base64.RawURLEncoding.EncodeToString(b)); ok {
			t.Fatal("a subject that was changed is taken")
		}
	})
	for _, text := range []string{"", "alice", "0199a6f4-0000-7000-8000-000000000001", "AAAA\nAAAA"} {
		if _, ok, err := pairwiseOf(1).User(text); ok || err != nil {
			t.Errorf("%q is taken: %v", text, err)
		}
	}
	if subject, err := (*Pairwise)(nil).Subject("", "b"); err != nil || subject != "b" {
		t.Errorf("without a sector, the subject is %q (%v)", subject, err)
	}
	if _, err := (*Pairwise)(nil).Subject("a", "b"); err == nil {
		t.Error("a subject without a secret")
	}
	away := &Pairwise{Secret: func() ([]byte, error) { return nil, errors.New("away") }}
	subject, _ := pairwiseOf(1).Subject("a", "b")
	if _, _, err := away.User(subject); err == nil {
		t.Error("what cannot be read is no fault")
	}
}
