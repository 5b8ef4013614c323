//go:build vault

package keepers_test

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"authserver/internal/keys/keepers"
	"authserver/test/vault"
)

// plainText is the value to seal: bytes that are not UTF-8.
const plainText = "a data key of 32 bytes, or so.\x00\xff"

// as makes the environment name a server and a token, and nothing else of Vault's.
func as(t *testing.T, s *vault.Server, token string) {
	t.Helper()
	cleanEnvironment(t)
	t.Setenv("VAULT_ADDR", s.URL)
	t.Setenv("VAULT_CACERT", s.CACert)
	t.Setenv("VAULT_TOKEN", token)
}

func open(t *testing.T, url string) *keepers.Keeper {
	t.Helper()
	keeper, id, err := keepers.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if id != url {
		t.Errorf("the id is %s, want %s", id, url)
	}
	t.Cleanup(func() { _ = keeper.Close() })
	return keeper
}

func seal(t *testing.T, keeper *keepers.Keeper) []byte {
	t.Helper()
	sealed, err := keeper.Encrypt(t.Context(), []byte(plainText))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte(plainText)) {
		t.Fatalf("sealed as %s", sealed)
	}
	return sealed
}

func opens(t *testing.T, keeper *keepers.Keeper, sealed []byte) {
	t.Helper()
	plain, err := keeper.Decrypt(t.Context(), sealed)
	if err != nil {
		t.Fatal(err)
	}
	if string(plain) != plainText {
		t.Errorf("opened as %q, want %q", plain, plainText)
	}
}

func TestVaultSealsAndOpens(t *testing.T) {
	server := vault.Start(t)
	token := server.TransitKey(t, "transit", "authserver")
	var sealed []byte

	t.Run("what one keeper sealed another opens", func(t *testing.T) {
		as(t, server, token)
		sealed = seal(t, open(t, "hashivault://authserver"))
		opens(t, open(t, "hashivault://authserver"), sealed)
	})
	t.Run("after a rotation in Vault what was sealed before still opens, and the new version seals", func(t *testing.T) {
		as(t, server, token)
		server.Call(t, http.MethodPost, "transit/keys/authserver/rotate", nil)
		keeper := open(t, "hashivault://authserver")
		opens(t, keeper, sealed)
		again := seal(t, keeper)
		if !bytes.HasPrefix(sealed, []byte("vault:v1:")) || !bytes.HasPrefix(again, []byte("vault:v2:")) {
			t.Errorf("sealed as %s before and %s after", sealed, again)
		}
		opens(t, keeper, again)
	})
	t.Run("the token is taken from a file, without the newline at its end", func(t *testing.T) {
		as(t, server, "")
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("VAULT_TOKEN_FILE", file)
		opens(t, open(t, "hashivault://authserver"), sealed)
	})
	t.Run("an engine is where it is mounted", func(t *testing.T) {
		as(t, server, server.TransitKey(t, "teams/auth", "authserver"))
		keeper := open(t, "hashivault://authserver?engine=teams%2Fauth")
		opens(t, keeper, seal(t, keeper))
	})
	t.Run("a namespace is Vault's own variable", func(t *testing.T) {
		server.Call(t, http.MethodPost, "sys/namespaces/tenant", nil)
		server.Call(t, http.MethodPost, "tenant/sys/mounts/transit", map[string]any{"type": "transit"})
		server.Call(t, http.MethodPost, "tenant/transit/keys/only-there", nil)
		as(t, server, server.Token)
		t.Setenv("VAULT_NAMESPACE", "tenant")
		keeper := open(t, "hashivault://only-there")
		opens(t, keeper, seal(t, keeper))
	})
}

func TestVaultRefuses(t *testing.T) {
	server := vault.Start(t)
	token := server.TransitKey(t, "transit", "authserver")
	server.Call(t, http.MethodPost, "transit/keys/other", nil)
	server.Call(t, http.MethodPost, "sys/mounts/plain", map[string]any{"type": "kv"})
	as(t, server, token)
	sealed := seal(t, open(t, "hashivault://authserver"))
	const wrong = "hvs.wrong-token"

	for _, c := range []struct {
		name  string
		url   string
		token string
		set   map[string]string
		want  []string
	}{
		{"a wrong token", "hashivault://authserver", wrong, nil, []string{"403", "token is valid", "`update` on transit/encrypt/authserver and transit/decrypt/authserver"}},
		{"no token", "hashivault://authserver", "", nil, []string{"no token was given: set VAULT_TOKEN, or VAULT_TOKEN_FILE"}},
		{"a key that does not exist", "hashivault://nothing", token, nil, []string{"400", "key nothing exists in transit"}},
		{"another key than it was sealed with", "hashivault://other", token, nil, []string{"400", "is the one that sealed this"}},
		{"an engine that is not mounted", "hashivault://authserver?engine=nowhere", server.Token, nil, []string{"404", "transit engine is mounted at nowhere"}},
		{"an engine that is not transit", "hashivault://authserver?engine=plain", server.Token, nil, []string{"plain of Vault", "does not answer like a transit engine"}},
		{"another namespace", "hashivault://authserver", token, map[string]string{"VAULT_NAMESPACE": "nowhere"}, []string{"404", "check VAULT_NAMESPACE"}},
		{"an authority that is not configured", "hashivault://authserver", token, map[string]string{"VAULT_CACERT": ""}, []string{"x509: ", "set VAULT_CACERT"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			as(t, server, c.token)
			for name, value := range c.set {
				t.Setenv(name, value)
			}
			_, err := open(t, c.url).Decrypt(t.Context(), sealed)
			checkFault(t, err, append(c.want, c.url, server.URL)...)
			checkSilent(t, err, token, server.Token, wrong, plainText, string(sealed))
		})
	}
	t.Run("sealing with a key that does not exist makes none where the token may not", func(t *testing.T) {
		as(t, server, token)
		_, err := open(t, "hashivault://nothing").Encrypt(t.Context(), []byte(plainText))
		checkFault(t, err, "that the key exists")
		checkSilent(t, err, token)
	})
	t.Run("a version of the key that was retired", func(t *testing.T) {
		as(t, server, token)
		server.Call(t, http.MethodPost, "transit/keys/authserver/rotate", nil)
		server.Call(t, http.MethodPost, "transit/keys/authserver/config", map[string]any{"min_decryption_version": 2})
		_, err := open(t, "hashivault://authserver").Decrypt(t.Context(), sealed)
		checkFault(t, err, "too old")
	})
	t.Run("a server that is sealed", func(t *testing.T) {
		as(t, server, token)
		server.Call(t, http.MethodPut, "sys/seal", nil)
		_, err := open(t, "hashivault://authserver").Decrypt(t.Context(), sealed)
		checkFault(t, err, "503", "unseal it", server.URL)
		checkSilent(t, err, token)
	})
	t.Run("a server that is gone", func(t *testing.T) {
		as(t, server, token)
		server.Kill()
		_, err := open(t, "hashivault://authserver").Decrypt(t.Context(), sealed)
		checkFault(t, err, "hashivault://authserver", server.URL, "connection refused", "check VAULT_ADDR")
		checkSilent(t, err, token)
	})
}

func checkFault(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("it was not refused")
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

// checkSilent checks every error of the chain.
func checkSilent(t *testing.T, err error, secrets ...string) {
	t.Helper()
	for ; err != nil; err = errors.Unwrap(err) {
		for _, secret := range secrets {
			if secret != "" && strings.Contains(err.Error(), secret) {
				t.Errorf("a secret is in %q", err)
			}
		}
	}
}
