//go:build interop

package interop

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"path/filepath"
	"testing"

	"authserver/internal/testkit"
	"authserver/test/harness"
)

// TestEncryptedForNode: an application in Node receives ID tokens and UserInfo that are encrypted
// to its own key, for each kind of key.
func TestEncryptedForNode(t *testing.T) {
	t.Parallel()
	modules := install(t).nodeFolder(t, "node/checks.mjs", "node/encrypted.mjs")
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	type application struct {
		party
		Alg string          `json:"alg"`
		Key json.RawMessage `json:"key"` // private
	}
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		t.Parallel()
		p := registerPeople(t, d)
		told := struct {
			*people
			Clients []application `json:"clients"`
		}{people: p}
		var checks []string
		for id, c := range map[string]struct {
			key crypto.Signer
			alg string
		}{
			"rsa":            {rsaKey, "RSA-OAEP-256"},
			"ec":             {testkit.P256(t), "ECDH-ES"},
			"ec-key-wrapped": {testkit.P256(t), "ECDH-ES+A256KW"},
		} {
			kid := map[string]any{"kid": id}
			made := d.JSON("", "client", "create", "--id", id, "--grant", "authorization_code", "--grant", "refresh_token",
				"--scope", "openid", "--scope", "profile", "--scope", "email", "--redirect-uri", p.RedirectURI, "--userinfo-alg", "RS256",
				"--encryption-jwk-file", d.File(id+".jwk", string(testkit.JWK(t, c.key.Public(), kid))),
				"--id-token-encryption-alg", c.alg, "--userinfo-encryption-alg", c.alg)
			secret, _ := made["client_secret"].(string)
			told.Clients = append(told.Clients, application{party{ID: id, Secret: secret}, c.alg, testkit.JWK(t, c.key, kid)})
			checks = append(checks, id+" decrypts")
		}
		program{"openid-client", []string{"node", filepath.Join(modules, "encrypted.mjs")}, checks}.run(t, told)
	})
}
