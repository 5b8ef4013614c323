//go:build interop

package interop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"testing"

	"authserver/test/harness"
)

// registerSigners registers clients that send no secret.
func (w *world) registerSigners(t *testing.T, d *harness.Deployment) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	flags := append(w.allowed("ES256"), "--grant", "client_credentials", "--accept-token-endpoint-audience")
	d.Run(append([]string{"client", "create", "--id", "signs", "--auth-method", "private_key_jwt",
		"--jwks-file", d.File("signs.jwks", `{"keys":[`+string(toJWK(t, key.Public(), "signs-1"))+`]}`)}, flags...)...)
	w.KeyClient = party{ID: "signs", Key: toJWK(t, key, "signs-1")}
	made := d.JSON("", append([]string{"client", "create", "--id", "hmac", "--auth-method", "client_secret_jwt"}, flags...)...)
	w.HMACClient = party{ID: "hmac", Secret: made["client_secret"].(string)}
}

// account is the file that a cloud gives to a service account.
type account struct {
	Email    string `json:"client_email"`
	KeyID    string `json:"private_key_id"`
	Key      string `json:"private_key"`
	TokenURI string `json:"token_uri"`
}

// registerServiceAccount registers a client that is its own issuer.
func (w *world) registerServiceAccount(t *testing.T, d *harness.Deployment) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	w.ServiceAccount = account{
		Email: "reports@accounts.example.com", KeyID: "account-1", Key: harness.KeyPEM(t, key), TokenURI: w.TokenEndpoint,
	}
	d.Run(append([]string{"client", "create", "--id", w.ServiceAccount.Email, "--auth-method", "private_key_jwt", "--grant", "jwt-bearer", "--default-scope", "read",
		"--assert-user", w.User.Username, "--jwks-file", d.File("account.jwks", `{"keys":[`+string(toJWK(t, key.Public(), w.ServiceAccount.KeyID))+`]}`)}, w.allowed("RS256")...)...)
}
