package tokens

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"

	"authserver/internal/jose"
	"authserver/internal/store"
	"authserver/internal/testkit"
)

// encrypted mints an encrypted token, and also returns the signed token inside.
func encrypted(t *testing.T, k turns, change func(*Access)) (minted Minted, signed Claims) {
	t.Helper()
	ring := newKeyring(t)
	m := newMinter(ring)
	m.Handles = &Handles{Keys: k}
	private := testkit.P256(t)
	registered, err := jose.CheckEncryptionKey(testkit.JWK(t, private.Public(), nil))
	if err != nil {
		t.Fatal(err)
	}
	a := anAccess("ES256")
	a.Encryption = Encryption{JWK: string(registered), Enc: "A256GCM"}
	a.ClientNotBefore = store.At(noon)
	change(&a)
	minted = mint(t, m, a)
	plain, err := jwe.Decrypt([]byte(minted.Token), jwe.WithKey(jwa.ECDH_ES, private))
	if err != nil {
		t.Fatal(err)
	}
	if signed, err = newVerifier(ring).Verify(noon, string(plain)); err != nil {
		t.Fatal(err)
	}
	return minted, signed
}

func TestHandleNamesTheTokenWithin(t *testing.T) {
	k := turns{1: bytes.Repeat([]byte{1}, 32)}
	for name, change := range map[string]func(*Access){
		"of a family":  func(a *Access) { a.Family = newFamily(t) },
		"of no family": func(*Access) {},
		"of a client":  func(a *Access) { a.Subject, a.SubjectNotBefore = "web", store.At(noon) },
	} {
		t.Run(name, func(t *testing.T) {
			minted, signed := encrypted(t, k, change)
			got, err := (&Handles{Keys: k}).Find(minted.Token)
			if err != nil || got.ID != signed.ID || got.Parsed != signed.Parsed || !got.ExpiresAt.Equal(signed.ExpiresAt) {
				t.Fatalf("the handle is %+v (%v), and the token %+v", got, err, signed)
			}
			if !got.IssuedTo(store.Client{ID: "web"}) || got.IssuedTo(store.Client{ID: "Web"}) || got.IssuedTo(store.Client{}) {
				t.Error("the handle is not of the client of the token")
			}
			k[2] = bytes.Repeat([]byte{2}, 32) // the next turn
			defer delete(k, 2)
			if _, err := (&Handles{Keys: k}).Find(minted.Token); err != nil {
				t.Errorf("after its turn: %v", err)
			}
		})
	}
}

// A token without a client has an issuer's name as its client_id, and no client may revoke it.
func TestHandleOfATokenOfNoClient(t *testing.T) {
	k := turns{1: bytes.Repeat([]byte{1}, 32)}
	minted, _ := encrypted(t, k, func(a *Access) { a.ClientNotBefore = store.Moment{} })
	if got, err := (&Handles{Keys: k}).Find(minted.Token); err != nil || got.IssuedTo(store.Client{ID: "web"}) {
		t.Errorf("the handle is of the client (%v)", err)
	}
}

// The client with the token learns nothing from its handle, not even from the length.
func TestHandleLeaksNothing(t *testing.T) {
	k := turns{1: bytes.Repeat([]byte{1}, 32)}
	handle := func(minted Minted) string {
		header, err := jose.ParseEncrypted(minted.Token, MaxAccessBytes)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := header.All[handleMember].(string)
		return text
	}
	short, signed := encrypted(t, k, func(*Access) {})
	long, _ := encrypted(t, k, func(a *Access) { a.Family, a.ClientID = newFamily(t), strings.Repeat("client", 40) })
	if len(handle(short)) != len(handle(long)) || handle(short) == "" {
		t.Errorf("the lengths are %d and %d", len(handle(short)), len(handle(long)))
	}
	raw, err := base64.RawURLEncoding.DecodeString(handle(short))
	if err != nil {
		t.Fatal(err)
	}
	id, err := base64.RawURLEncoding.DecodeString(signed.ID)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, id[:idMoment]) || bytes.Contains(raw, []byte("web")) {
		t.Error("the handle shows what is in the token")
	}
	header, err := jose.ParseEncrypted(short.Token, MaxAccessBytes)
	if err != nil || len(header.All) != 6 { // alg, enc, cty, kid, epk and the handle
		t.Errorf("the header is %v (%v)", header.All, err)
	}
}

func TestFindRefuses(t *testing.T) {
	k := turns{1: bytes.Repeat([]byte{1}, 32)}
	minted, _ := encrypted(t, k, func(*Access) {})
	header, rest, _ := strings.Cut(minted.Token, ".")
	members := map[string]any{}
	data, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil || json.Unmarshal(data, &members) != nil {
		t.Fatal(err)
	}
	genuine, _ := members[handleMember].(string)
	with := func(handle any) string {
		changed := map[string]any{}
		for name, value := range members {
			changed[name] = value
		}
		if changed[handleMember] = handle; handle == nil {
			delete(changed, handleMember)
		}
		data, err := json.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(data) + "." + rest
	}
	h := &Handles{Keys: k}
	if _, err := h.Find(with(genuine)); err != nil {
		t.Fatalf("the genuine one: %v", err)
	}
	for name, token := range map[string]string{
		"no handle":             with(nil),
		"a number":              with(7),
		"an empty one":          with(""),
		"half of one":           with(genuine[:len(genuine)/2]),
		"more than one":         with(genuine + genuine),
		"padded":                with(genuine + "="),
		"a signed token":        "a.b.c",
		"a larger token":        with(strings.Repeat("A", MaxAccessBytes)),
		"the handle in the jti": with(minted.ID),
	} {
		if _, err := h.Find(token); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	raw, err := base64.RawURLEncoding.DecodeString(genuine)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		forged := bytes.Clone(raw)
		forged[i] ^= 1
		if _, err := h.Find(with(base64.RawURLEncoding.EncodeToString(forged))); err == nil {
			t.Errorf("a change of byte %d is accepted", i)
		}
	}
	for name, keys := range map[string]turns{"another server": {1: bytes.Repeat([]byte{3}, 32)}, "a key that was ended": {}} {
		if _, err := (&Handles{Keys: keys}).Find(minted.Token); err == nil {
			t.Errorf("%s accepts it", name)
		}
	}
}

func FuzzFind(f *testing.F) {
	h := &Handles{Keys: turns{1: bytes.Repeat([]byte{1}, 32)}}
	jti, err := ID{Client: 1}.encode(bytes.NewReader(make([]byte, 64)))
	if err != nil {
		f.Fatal(err)
	}
	handle, err := h.seal(bytes.NewReader(make([]byte, 64)), noon, jti, "web", noon)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"alg":"ECDH-ES","enc":"A256GCM","` + handleMember + `":"` + handle + `"}`)
	f.Add(`{"alg":"ECDH-ES","` + handleMember + `":""}`)
	f.Fuzz(func(t *testing.T, header string) {
		got, err := h.Find(base64.RawURLEncoding.EncodeToString([]byte(header)) + ".AA.AA.AA.AA")
		if err == nil && got.ID != jti {
			t.Errorf("%q is taken for %+v", header, got)
		}
	})
}
