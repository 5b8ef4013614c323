//go:build vault

package vault_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"authserver/test/harness"
	"authserver/test/vault"
)

func TestMain(m *testing.M) { harness.Main(m) }

// Everything that is sealed moves from a file to Vault and back, while a server continues to serve.
// A start without Vault says what is missing.
func TestTheMasterKeyMovesToVaultAndBack(t *testing.T) {
	service := vault.Start(t)
	token := service.TransitKey(t, "transit", "authserver")
	d := harness.SQLite(t)
	d.Set("KEY_POLL_INTERVAL", "4s")
	d.Env = append(d.Env, "VAULT_ADDR="+service.URL, "VAULT_TOKEN="+token, "VAULT_CACERT="+service.CACert)
	before := d.Start()
	d.Run("resource", "create", "--id", api, "--scope", "read")
	made := d.JSON("", "client", "create", "--id", "web", "--grant", "client_credentials", "--scope", "read", "--resource", api)
	who := harness.Credentials{ID: "web"}
	who.Secret, _ = made["client_secret"].(string)
	signs(t, before, who)

	moved := d.JSON("", "key", "reseal", "--to-master-key-url", "hashivault://authserver")
	if moved["to"] != "hashivault://authserver" || moved["remaining"] != 0.0 {
		t.Fatalf("key reseal answers %v", moved)
	}
	signs(t, before, who)
	file := setting(t, d, "MASTER_KEY_FILE")
	d.Set("MASTER_KEY_FILE", "")
	d.Set("MASTER_KEY_URL", "hashivault://authserver")
	after := d.Start()
	d.Run("key", "rotate") // seals a new key
	harness.Eventually(t, 20*time.Second, "the server whose master key is the old file has read what was sealed since", func() bool {
		return same(t, before, after)
	})
	signs(t, before, who)
	signs(t, after, who)
	before.Stop()
	d.Run("key", "reseal", "--finish")
	signs(t, after, who)
	after.Stop()
	_, stderr, code := d.Try("", "serve", "--master-key-file", file)
	if code == 0 || !strings.Contains(stderr, "sealed under master key hashivault://authserver") {
		t.Errorf("with the old master key serve ends with %d: %s", code, stderr)
	}

	d.Run("key", "reseal", "--to-master-key-file", file) // and back
	d.Set("MASTER_KEY_URL", "")
	d.Set("MASTER_KEY_FILE", file)
	d.Run("key", "reseal", "--finish")
	service.Kill()
	signs(t, d.Start(), who)
	_, stderr, code = d.Try("", "key", "rotate", "--master-key-url", "hashivault://authserver")
	if code != 1 || !strings.Contains(stderr, "hashivault://authserver") || strings.Contains(stderr, token) {
		t.Errorf("without Vault a command that makes keys ends with %d: %s", code, stderr)
	}
}

const api = "https://api.example.com"

// signs requires a token that verifies.
func signs(t *testing.T, s *harness.Server, who harness.Credentials) {
	t.Helper()
	answer := s.MustToken(t, who, url.Values{"grant_type": {"client_credentials"}})
	s.Verify(t, answer.Text("access_token"), api)
}

func same(t *testing.T, a, b *harness.Server) bool {
	t.Helper()
	return string(harness.Get(t, a.URL+"/.well-known/jwks.json").Raw) == string(harness.Get(t, b.URL+"/.well-known/jwks.json").Raw)
}

// setting returns the last value of a setting.
func setting(t *testing.T, d *harness.Deployment, name string) string {
	t.Helper()
	value := ""
	for _, entry := range d.Env {
		if v, ok := strings.CutPrefix(entry, "AUTHSERVER_"+name+"="); ok {
			value = v
		}
	}
	return value
}
