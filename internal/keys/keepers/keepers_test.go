package keepers_test

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"authserver/internal/keys/keepers"
)

// cleanEnvironment removes the developer's own variables for Vault.
func cleanEnvironment(t *testing.T) {
	t.Helper()
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "VAULT_") {
			t.Setenv(name, "")
		}
	}
}

func TestOneKeyHasOneID(t *testing.T) {
	cleanEnvironment(t)
	t.Setenv("VAULT_ADDR", "http://127.0.0.1:1")
	for _, c := range []struct{ name, url, want string }{
		{"the shortest", "hashivault://authserver", "hashivault://authserver"},
		{"a slash at the end", "hashivault://authserver/", "hashivault://authserver"},
		{"a path instead of a host", "hashivault:///authserver", "hashivault://authserver"},
		{"the scheme in capitals", "HashiVault://authserver", "hashivault://authserver"},
		{"a name in capitals is another key", "hashivault://AuthServer", "hashivault://AuthServer"},
		{"the usual engine", "hashivault://authserver?engine=transit", "hashivault://authserver"},
		{"another engine", "hashivault://authserver?engine=teams/auth", "hashivault://authserver?engine=teams%2Fauth"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, url := range []string{c.url, c.want} {
				keeper, id, err := keepers.Open(t.Context(), url)
				if err != nil {
					t.Fatal(err)
				}
				defer keeper.Close()
				if id != c.want {
					t.Errorf("%s has the id %s, want %s", url, id, c.want)
				}
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	const secret = "smGbjm71Nxd1Ig5FS0wj9SlbzAIrnolCz9bQQ6uAhl4"
	for _, c := range []struct {
		name string
		url  string
		want []string
	}{
		{"a master key in the URL", "base64key://" + secret + "=", []string{"does not belong into a URL", "master-key-file"}},
		{"a master key in the URL, in capitals", "BASE64KEY:" + secret, []string{"does not belong into a URL"}},
		{"a master key instead of a URL", secret + "=", []string{"malformed", "hashivault://KEY"}},
		{"a user", "hashivault://" + secret + "@authserver", []string{"user or a password"}},
		{"a user and a password", "hashivault://root:" + secret + "@authserver", []string{"user or a password"}},
		{"a token as a query parameter", "hashivault://authserver?token=" + secret, []string{"hashivault does not take", "environment"}},
		{"a name of a query parameter that may be one", "hashivault://authserver?" + secret, []string{"hashivault does not take"}},
		{"a query parameter twice", "hashivault://authserver?engine=a&engine=" + secret, []string{"parameter engine", "malformed"}},
		{"an empty query parameter", "hashivault://authserver?engine=", []string{"parameter engine", "malformed"}},
		{"a malformed query", "hashivault://authserver?engine=%zz" + secret, []string{"query", "malformed"}},
		{"an engine that leads elsewhere", "hashivault://authserver?engine=../" + secret, []string{"parameter engine", "malformed"}},
		{"a fragment", "hashivault://authserver#" + secret, []string{"malformed", "hashivault://KEY"}},
		{"no key", "hashivault://", []string{"malformed", "hashivault://KEY"}},
		{"no slashes", "hashivault:" + secret, []string{"malformed", "hashivault://KEY"}},
		{"a server", "hashivault://vault.example.com:8200/" + secret, []string{"malformed", "VAULT_ADDR"}},
		{"a key that leads elsewhere", "hashivault://%2e%2e", []string{"malformed"}},
		{"a malformed port", "hashivault://authserver:" + secret, []string{"malformed"}},
		{"nothing", "", []string{"malformed", "hashivault://KEY"}},
		{"an unknown scheme", "https://vault.example.com/" + secret, []string{"the scheme https of the master key URL is unknown", "this build knows " + strings.Join(keepers.Schemes(), ", ")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, id, err := keepers.Open(t.Context(), c.url)
			if err == nil {
				t.Fatalf("it was opened as %s", id)
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("a secret is in %q", err)
			}
		})
	}
}

func TestOpenRefusesAnEnvironment(t *testing.T) {
	const secret = "s3cr3t"
	empty := t.TempDir() + "/empty"
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		set  map[string]string
		want []string
	}{
		{"without Vault's address", nil, []string{"set VAULT_ADDR"}},
		{"with an address without a scheme", map[string]string{"VAULT_ADDR": "127.0.0.1:8200"}, []string{"VAULT_ADDR is malformed"}},
		{"with a password in the address", map[string]string{"VAULT_ADDR": "https://u:" + secret + "@v:8200"}, []string{"VAULT_ADDR is malformed", "without user and password"}},
		{"with a password in an address that is malformed", map[string]string{"VAULT_ADDR": "https://u:" + secret + "@v:%"}, []string{"malformed"}},
		{"with a proxy that is malformed", map[string]string{"VAULT_ADDR": "https://v", "VAULT_PROXY_ADDR": "http://u:" + secret + "@p:%"}, []string{"VAULT_PROXY_ADDR"}},
		{"with two tokens", map[string]string{"VAULT_ADDR": "https://v", "VAULT_TOKEN": secret, "VAULT_TOKEN_FILE": empty}, []string{"VAULT_TOKEN and VAULT_TOKEN_FILE are both set"}},
		{"with an empty file for the token", map[string]string{"VAULT_ADDR": "https://v", "VAULT_TOKEN_FILE": empty}, []string{"VAULT_TOKEN_FILE names", "empty"}},
		{"with a file for the token that is not there", map[string]string{"VAULT_ADDR": "https://v", "VAULT_TOKEN_FILE": empty + "er"}, []string{"VAULT_TOKEN_FILE cannot be read"}},
		{"with a certificate that is not there", map[string]string{"VAULT_ADDR": "https://v", "VAULT_CACERT": empty + "er"}, []string{"environment variables", "emptyer"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cleanEnvironment(t)
			for name, value := range c.set {
				t.Setenv(name, value)
			}
			_, _, err := keepers.Open(t.Context(), "hashivault://authserver")
			if err == nil {
				t.Fatal("it was opened")
			}
			for _, part := range append(c.want, "hashivault://authserver") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("a secret is in %q", err)
			}
		})
	}
}

// silent listens, accepts connections and never answers, like a service that hangs. It returns its
// address.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// checkHangs requires the keeper to give up in time, and earlier if its caller does.
func checkHangs(t *testing.T, url string) {
	t.Helper()
	const timeout, soon = 500 * time.Millisecond, 5 * time.Second // on a test machine
	encrypt := func(ctx context.Context, timeout time.Duration) error {
		keeper, id, err := keepers.OpenWithin(t.Context(), url, timeout)
		if err != nil {
			t.Fatal(err)
		}
		defer keeper.Close()
		begun := time.Now()
		_, err = keeper.Encrypt(ctx, []byte("x"))
		if took := time.Since(begun); err == nil || took > soon || !strings.Contains(err.Error(), id) {
			t.Errorf("after %s: %v", took, err)
		}
		return err
	}
	t.Run("a service that does not answer holds no caller longer than the time-out", func(t *testing.T) {
		err := encrypt(t.Context(), timeout)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer within 500ms: check that") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("nor a caller who gives up before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(timeout/5, cancel)
		if err := encrypt(ctx, time.Hour); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestVaultThatHangs(t *testing.T) {
	cleanEnvironment(t)
	t.Setenv("VAULT_ADDR", "http://"+silent(t))
	checkHangs(t, "hashivault://authserver")
}

func TestSchemesAreSorted(t *testing.T) {
	if got := keepers.Schemes(); !slices.IsSorted(got) || !slices.Contains(got, "hashivault") {
		t.Errorf("the schemes are %q", got)
	}
}
