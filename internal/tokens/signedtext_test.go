package tokens

import (
	"encoding/base64"
	"testing"

	"authserver/internal/store"
)

// TestTextsOfAnEarlierServer reads texts that a server made before, which clients still have. The
// same keys and random bytes make the same texts.
func TestTextsOfAnEarlierServer(t *testing.T) {
	const (
		refresh = "art_AQAAAAIBAgMAAAAAAAAAAAAAAAAAAAAAB1QAY8-evPKBWoURCXmsbmhuAtQDb0-eEnSD-a9WJcMf"
		code    = "aco_AQAAAAIBAgMAAAAAAAAAAAAAAAAAkcUdUsDo_H3RHcv4dzthEW5C-mNU5pgQrS7FQB8j53w"
		jti     = "AAAAAAABAAAAAAAAAAAAAAAAAAAAAA"
		handle  = "AQAAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQwfGWoBDcS-oMtGyANZBltNUTNbJXslmMzxYQKemcUqpNhS13lGY3P8i8CSAjz3ZHNZcaSjLOP9YcBLwbH0K0QL0d5ruC-MjSpvA96eGnUyM-sWMmn2gNGYcIBKhL"
		sealed  = "AQAAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACxLI9Kw2-Fl4L9XpiDCCcVFKC4GxoHgA"
	)
	keys, family := newCodec().Keys, store.FamilyID{1, 2, 3}
	refreshes, codes, handles, envelopes := &RefreshCodec{Keys: keys}, &CodeCodec{Keys: keys}, &Handles{Keys: keys}, newEnvelope("one purpose")
	envelopes.Rand = zeros{}
	for _, c := range []struct {
		name, want string
		make       func() (string, error)
	}{
		{"refresh token", refresh, func() (string, error) { return refreshes.Encode(Refresh{family, 7}, second(2)) }},
		{"code", code, func() (string, error) { return codes.Encode(family, second(2)) }},
		{"handle", handle, func() (string, error) { return handles.seal(zeros{}, second(2), jti, "web", noon) }},
		{"envelope", sealed, func() (string, error) { return envelopes.Seal(second(2), []byte("content")) }},
	} {
		if got, err := c.make(); err != nil || got != c.want {
			t.Errorf("the %s is %q (%v), want %q", c.name, got, err, c.want)
		}
	}
	if got, err := refreshes.Decode(refresh); err != nil || got != (Refresh{family, 7}) {
		t.Errorf("the refresh token reads %v (%v)", got, err)
	}
	if got, err := codes.Decode(code); err != nil || got != family {
		t.Errorf("the code reads %v (%v)", got, err)
	}
	if got, err := envelopes.Open(sealed); err != nil || string(got) != "content" {
		t.Errorf("the envelope reads %q (%v)", got, err)
	}
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ECDH-ES","enc":"A256GCM","` + handleMember + `":"` + handle + `"}`))
	if got, err := handles.Find(header + ".AA.AA.AA.AA"); err != nil || got.ID != jti || got.ExpiresAt.Unix() != noon.Unix() || !got.IssuedTo(store.Client{ID: "web"}) {
		t.Errorf("the handle reads %+v (%v)", got, err)
	}
}
