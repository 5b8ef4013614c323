package admin_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/admin"
	"authserver/internal/jose"
	"authserver/internal/testkit"
)

func TestEncryptionToAClientIsRegisteredAndTakenAway(t *testing.T) {
	o := newOffice(t)
	key := testkit.P256(t).Public()
	c := o.client(admin.NewClient{ClientInput: signIn(func(in *admin.ClientInput) {
		in.EncryptionJWK, in.IDTokenEncryptionAlg = testkit.JWK(t, key, map[string]any{"kid": "first"}), ptr(jose.ECDHES)
		in.UserinfoEncryptionAlg, in.UserinfoEncryptionEnc = ptr(jose.ECDHESA256W), ptr("A256GCM")
	})})
	type how struct{ KID, IDTokenAlg, IDTokenEnc, UserinfoAlg, UserinfoEnc string }
	of := func(c admin.Client) how {
		var key struct{ KID, Use string }
		if c.EncryptionJWK != nil {
			o.must(json.Unmarshal(c.EncryptionJWK, &key))
			if key.Use != "enc" {
				t.Errorf("the use of the key is %q", key.Use)
			}
		}
		return how{key.KID, c.IDTokenEncryptionAlg, c.IDTokenEncryptionEnc, c.UserinfoEncryptionAlg, c.UserinfoEncryptionEnc}
	}
	if diff := cmp.Diff(how{"first", jose.ECDHES, "A128CBC-HS256", jose.ECDHESA256W, "A256GCM"}, of(c.Client)); diff != "" {
		t.Errorf("registered (-want +got)\n%s", diff)
	}
	for _, step := range []struct {
		name   string
		change admin.ClientSignInInput
		want   how
	}{
		{"a new key", admin.ClientSignInInput{EncryptionJWK: testkit.JWK(t, testkit.P256(t).Public(), map[string]any{"kid": "second"})}, how{"second", jose.ECDHES, "A128CBC-HS256", jose.ECDHESA256W, "A256GCM"}},
		{"another enc", admin.ClientSignInInput{IDTokenEncryptionEnc: ptr("A128GCM")}, how{"second", jose.ECDHES, "A128GCM", jose.ECDHESA256W, "A256GCM"}},
		{"userinfo as it was before", admin.ClientSignInInput{UserinfoEncryptionAlg: ptr("")}, how{"second", jose.ECDHES, "A128GCM", "", ""}},
		{"no key", admin.ClientSignInInput{EncryptionJWK: json.RawMessage{}}, how{}},
	} {
		updated, warnings, err := o.Clients.Update(t.Context(), by, c.ClientID, admin.ClientInput{ClientSignInInput: step.change})
		o.must(err)
		if diff := cmp.Diff(step.want, of(updated)); diff != "" || len(warnings) > 0 {
			t.Errorf("%s (-want +got)\n%s%v", step.name, diff, warnings)
		}
	}
	_, warnings, err := o.Clients.Update(t.Context(), by, c.ClientID, admin.ClientInput{ClientSignInInput: admin.ClientSignInInput{EncryptionJWK: testkit.JWK(t, key, nil)}})
	o.must(err)
	if len(warnings) != 1 || !strings.Contains(warnings[0].Text.String(), "id_token_encrypted_response_alg") {
		t.Errorf("of a key that is for nothing it warns %v", warnings)
	}
}

func TestEncryptionThatAClientCannotHave(t *testing.T) {
	o := newOffice(t)
	ec := testkit.P256(t)
	rsaKey := func(bits int) *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		o.must(err)
		return key
	}
	large := rsaKey(jose.MinRSABits)
	jwk := func(key any, more map[string]any) json.RawMessage { return testkit.JWK(t, key, more) }
	for name, test := range map[string]struct {
		in    admin.ClientSignInInput
		words []string
	}{
		"no JWK":                         {admin.ClientSignInInput{EncryptionJWK: json.RawMessage("x")}, []string{"encryption_jwk", "not a JWK"}},
		"a private key":                  {admin.ClientSignInInput{EncryptionJWK: jwk(ec, nil)}, []string{"encryption_jwk", "public key alone"}},
		"a shared secret":                {admin.ClientSignInInput{EncryptionJWK: jwk([]byte(strings.Repeat("s", 32)), nil)}, []string{"encryption_jwk", "symmetric"}},
		"a key for signatures":           {admin.ClientSignInInput{EncryptionJWK: jwk(ec.Public(), map[string]any{"use": "sig"})}, []string{"encryption_jwk", `"sig"`}},
		"RSA of 1024 bits":               {admin.ClientSignInInput{EncryptionJWK: jwk(rsaKey(1024).Public(), nil)}, []string{"encryption_jwk", "2048"}},
		"a key for RSA1_5":               {admin.ClientSignInInput{EncryptionJWK: jwk(large.Public(), map[string]any{"alg": "RSA1_5"})}, []string{"encryption_jwk", "RSA-OAEP-256"}},
		"a key for RSA-OAEP":             {admin.ClientSignInInput{EncryptionJWK: jwk(large.Public(), map[string]any{"alg": "RSA-OAEP"})}, []string{"encryption_jwk", "RSA-OAEP-256"}},
		"an alg without a key":           {admin.ClientSignInInput{IDTokenEncryptionAlg: ptr(jose.ECDHES)}, []string{"id_token_encrypted_response_alg", "encryption_jwk"}},
		"userinfo without a key":         {admin.ClientSignInInput{UserinfoEncryptionAlg: ptr(jose.ECDHES)}, []string{"userinfo_encrypted_response_alg", "encryption_jwk"}},
		"an enc without an alg":          {admin.ClientSignInInput{EncryptionJWK: jwk(ec.Public(), nil), IDTokenEncryptionEnc: ptr("A256GCM")}, []string{"id_token_encrypted_response_enc", "id_token_encrypted_response_alg"}},
		"userinfo's enc without an alg":  {admin.ClientSignInInput{EncryptionJWK: jwk(ec.Public(), nil), UserinfoEncryptionEnc: ptr("A256GCM")}, []string{"userinfo_encrypted_response_enc", "userinfo_encrypted_response_alg"}},
		"RSA1_5":                         {admin.ClientSignInInput{EncryptionJWK: jwk(large.Public(), nil), IDTokenEncryptionAlg: ptr("RSA1_5")}, []string{"id_token_encrypted_response_alg", "RSA-OAEP-256"}},
		"a shared key for userinfo":      {admin.ClientSignInInput{EncryptionJWK: jwk(large.Public(), nil), UserinfoEncryptionAlg: ptr("dir")}, []string{"userinfo_encrypted_response_alg", "RSA-OAEP-256"}},
		"an enc that there is not":       {admin.ClientSignInInput{EncryptionJWK: jwk(ec.Public(), nil), IDTokenEncryptionAlg: ptr(jose.ECDHES), IDTokenEncryptionEnc: ptr("none")}, []string{"id_token_encrypted_response_enc", "A128CBC-HS256"}},
		"an alg of another kind of key":  {admin.ClientSignInInput{EncryptionJWK: jwk(ec.Public(), nil), IDTokenEncryptionAlg: ptr(jose.RSAOAEP256)}, []string{"id_token_encrypted_response_alg", "ECDH-ES+A256KW"}},
		"an alg that the JWK is not for": {admin.ClientSignInInput{EncryptionJWK: jwk(ec.Public(), map[string]any{"alg": jose.ECDHESA128W}), IDTokenEncryptionAlg: ptr(jose.ECDHES)}, []string{"id_token_encrypted_response_alg", "ECDH-ES+A128KW"}},
	} {
		t.Run(name, func(t *testing.T) {
			with := func(in *admin.ClientInput) {
				test.in.RedirectURIs = in.RedirectURIs
				in.ClientSignInInput = test.in
			}
			_, _, created := o.Clients.Create(t.Context(), by, admin.NewClient{ClientInput: signIn(with)})
			wantFaults(t, created, test.words...)
			c := o.client(admin.NewClient{ClientInput: signIn(nil)})
			_, _, updated := o.Clients.Update(t.Context(), by, c.ClientID, signIn(with))
			wantFaults(t, updated, test.words...)
		})
	}
}

// A new key must support the algorithms of the client. Otherwise the server could no longer encrypt
// tokens to it.
func TestANewKeyOfAClientDoesWhatTheOldOneDid(t *testing.T) {
	o := newOffice(t)
	c := o.client(admin.NewClient{ClientInput: signIn(func(in *admin.ClientInput) {
		in.EncryptionJWK, in.IDTokenEncryptionAlg = testkit.JWK(t, testkit.P256(t).Public(), nil), ptr(jose.ECDHES)
	})})
	key, err := rsa.GenerateKey(rand.Reader, jose.MinRSABits)
	o.must(err)
	change := admin.ClientSignInInput{EncryptionJWK: testkit.JWK(t, key.Public(), nil)}
	_, _, err = o.Clients.Update(t.Context(), by, c.ClientID, admin.ClientInput{ClientSignInInput: change})
	wantFaults(t, err, "id_token_encrypted_response_alg", "RSA-OAEP-256")
	change.IDTokenEncryptionAlg = ptr(jose.RSAOAEP256)
	_, _, err = o.Clients.Update(t.Context(), by, c.ClientID, admin.ClientInput{ClientSignInInput: change})
	o.must(err)
}
