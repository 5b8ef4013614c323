package sessions

import (
	"crypto/rand"
	"strings"
	"testing"
)

func TestSecret(t *testing.T) {
	secret, hash, err := newSecret(rand.Reader)
	if err != nil || len(secret) != secretLength {
		t.Fatalf("%d bytes, %v", len(secret), err)
	}
	if got, ok := hashOf(secret); !ok || got != hash {
		t.Errorf("the hash is %x, %v", got, ok)
	}
	for name, other := range map[string]string{
		"nothing": "", "a piece": secret[:42], "more": secret + "A", "padding": secret + "=", "a line break": "\n" + secret[1:],
		"another alphabet": "+" + secret[1:], "a bit that means nothing": strings.Repeat("A", 42) + "B",
	} {
		if _, ok := hashOf(other); ok {
			t.Errorf("%s is looked up", name)
		}
	}
}

func FuzzSecret(f *testing.F) {
	for _, seed := range []string{"", strings.Repeat("A", 43), strings.Repeat("A", 42) + "B", strings.Repeat("-", 43)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, secret string) {
		if _, ok := hashOf(secret); ok && (len(secret) != secretLength || strings.ContainsAny(secret, "\r\n=+/")) {
			t.Errorf("%q is looked up", secret)
		}
	})
}
