package keys_test

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"authserver/internal/keys"
	"authserver/internal/store"
)

// For every algorithm and state, and for encryption keys: the exported key is the one in the key
// set, and verifies the signatures of the key.
func TestExportIsThePublicHalf(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	m.Algorithms = append(keys.Algorithms(), keys.RSAOAEP256, keys.ECDHES)
	load(t, m)
	tick(t, m)
	listed, err := m.List(t.Context())
	if err != nil || len(listed) != 2*len(m.Algorithms) {
		t.Fatalf("%d keys, %v", len(listed), err)
	}
	for _, k := range listed {
		exported, err := m.Export(t.Context(), k.KID)
		if err != nil {
			t.Errorf("%s %s: %v", k.State, k.Alg, err)
			continue
		}
		text, err := exported.PEM()
		if err != nil {
			t.Fatal(err)
		}
		block, rest := pem.Decode(text)
		if block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
			t.Fatalf("%s: %s", k.Alg, text)
		}
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		var jwk publishedKey
		if err := json.Unmarshal(exported.JWK, &jwk); err != nil || jwk.KID != k.KID || jwk.Alg != k.Alg {
			t.Errorf("%s: %s, %v", k.Alg, exported.JWK, err)
		}
		if strings.Contains(string(exported.JWK), `"d":`) {
			t.Errorf("%s: a private member is exported", k.Alg)
		}
		if k.State != keys.Active || jwk.Use != "sig" {
			continue
		}
		if inJWKS(t, m, k.KID).N != jwk.N || inJWKS(t, m, k.KID).X != jwk.X {
			t.Errorf("%s: it is another key than that of the key set", k.Alg)
		}
		token, err := jws.Sign([]byte("a payload"), jws.WithKey(jwa.SignatureAlgorithm(k.Alg), signerOf(t, m, k.Alg).Key))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jws.Verify(token, jws.WithKey(jwa.SignatureAlgorithm(k.Alg), public)); err != nil {
			t.Errorf("%s: %v", k.Alg, err)
		}
	}
}

// Nothing protects the public half in the row, or the certificates beside it.
func TestExportDoesNotBelieveTheRow(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	brought, chain := certified(t)
	imported, err := m.Import(t.Context(), by(), brought, "")
	if err != nil {
		t.Fatal(err)
	}
	exported, err := m.Export(t.Context(), imported.KID)
	if err != nil {
		t.Fatal(err)
	}
	var jwk publishedKey
	if err := json.Unmarshal(exported.JWK, &jwk); err != nil || len(jwk.X5C) != len(chain) {
		t.Errorf("exported %s, %v", exported.JWK, err)
	}
	st.mu.Lock()
	for i := range st.signing {
		st.signing[i].PublicJWK = json.RawMessage(`{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}`)
		st.signing[i].Certificates = [][]byte{{1, 2, 3}}
	}
	st.mu.Unlock()
	again, err := m.Export(t.Context(), imported.KID)
	if err != nil || !brought.Private.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(again.Public) {
		t.Errorf("it is another key, %v", err)
	}
	if err := json.Unmarshal(again.JWK, &jwk); err != nil || jwk.KID != imported.KID {
		t.Errorf("exported %s, %v", again.JWK, err)
	}
}

func TestExportRefuses(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	listed, err := m.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // a key's life
		tick(t, m)
		c.advance(25 * time.Hour)
	}
	tick(t, m)
	for _, kid := range []string{listed[0].KID, "", "no such key"} {
		if _, err := m.Export(t.Context(), kid); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%q: %v", kid, err)
		}
	}
}
