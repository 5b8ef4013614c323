package testkit

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// P256 makes a key for ES256.
func P256(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// JWK returns a key as a JWK (RFC 7517 §4), with more members.
func JWK(t testing.TB, key any, members map[string]any) json.RawMessage {
	t.Helper()
	made, err := jwk.FromRaw(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range members {
		if err := made.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	return JSON(t, made)
}

// JWKS returns a JWK Set (RFC 7517 §5).
func JWKS(t testing.TB, keys ...json.RawMessage) json.RawMessage {
	t.Helper()
	return JSON(t, map[string]any{"keys": keys})
}

// JWS signs any header and payload (RFC 7515 §7.1). Each is JSON, which is used unchanged, or a
// value that becomes JSON.
func JWS(t testing.TB, alg string, key, header, payload any) string {
	t.Helper()
	input := Part(t, header) + "." + Part(t, payload)
	signer, err := jws.NewSigner(jwa.SignatureAlgorithm(alg))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign([]byte(input), key)
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// Part returns a part of a JWS in compact form, of a text unchanged, or of the JSON of another
// value.
func Part(t testing.TB, value any) string {
	t.Helper()
	text, ok := value.(string)
	if !ok {
		text = string(JSON(t, value))
	}
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// JSON encodes a value.
func JSON(t testing.TB, value any) json.RawMessage {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
