package keepers_test

import (
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"authserver/internal/keys/keepers"
	"authserver/internal/testkit"
)

// The connection to the service that opens all keys is not weaker than those of the server itself
// (RFC 9325 §4.2).
func TestVaultOverWeakTLS(t *testing.T) {
	cleanEnvironment(t)
	ask := func(config *tls.Config) error {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"data":{"ciphertext":"vault:v1:AAAA"}}`))
		}))
		server.TLS = config
		server.StartTLS()
		defer server.Close()
		authority := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("VAULT_ADDR", server.URL)
		t.Setenv("VAULT_CACERT", authority)
		t.Setenv("VAULT_TOKEN", "t")
		keeper, _, err := keepers.Open(t.Context(), "hashivault://authserver")
		if err != nil {
			t.Fatal(err)
		}
		defer keeper.Close()
		_, err = keeper.Encrypt(t.Context(), []byte("a data key"))
		return err
	}
	for weakness, suites := range testkit.WeakSuites() {
		if err := ask(&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: suites}); err == nil || !strings.Contains(err.Error(), "handshake failure") {
			t.Errorf("a Vault of %s: %v", weakness, err)
		}
	}
	if err := ask(&tls.Config{MaxVersion: tls.VersionTLS12}); err != nil {
		t.Errorf("a Vault of TLS 1.2: %v", err)
	}
}
