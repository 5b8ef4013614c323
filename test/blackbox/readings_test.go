package blackbox

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"authserver/test/harness"
)

// withBasic sends a token request with an unchanged Authorization header, and returns how long the
// answer took.
func withBasic(t *testing.T, s *harness.Server, userinfo string) (harness.Answer, time.Duration) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/oauth2/token", strings.NewReader(clientCredentials().Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(userinfo)))
	began := time.Now()
	answer := harness.Do(t, request)
	return answer, time.Since(began)
}

// A secret of an administrator costs bcrypt once, in any spelling, for each of two secrets, and
// even if it is wrong. The test runs alone, because it measures time.
func TestABroughtSecretCostsBcryptOnce(t *testing.T) {
	d := harness.SQLite(t)
	f := register(t, d)
	const old, next = "old+secret%2Bof+an+administrator", "next%20secret+of+an+administrator"
	limits := []string{"--grant", "client_credentials", "--scope", "read", "--resource", apiRS256}
	d.Set("BCRYPT_COST", "10")
	f.Run(append([]string{"client", "create", "--id", "raw", "--secret-file", f.File("old.secret", old)}, limits...)...)
	f.Run("client", "rotate-secret", "raw", "--overlap", "1h", "--secret-file", f.File("next.secret", next))
	f.Run(append([]string{"client", "create", "--id", "r+w", "--secret-file", f.File("next.secret", next)}, limits...)...)
	f.Run(append([]string{"client", "create", "--id", "guessed", "--secret-file", f.File("old.secret", old)}, limits...)...)
	s := f.Start()
	_, slow := withBasic(t, s, "raw:the first guess")
	for _, c := range []struct {
		name, userinfo string
		status         int
	}{
		{"raw, the secret that ends", "raw:" + old, http.StatusOK},
		{"raw, the secret that is new", "raw:" + next, http.StatusOK},
		{"form-urlencoded", "raw:" + "next%2520secret%2Bof%2Ban%2Badministrator", http.StatusOK},
		{"raw, with an identifier that can be read in two ways", "r+w:" + next, http.StatusOK},
		{"a wrong secret", "raw:wrong+secret%20of+nobody", http.StatusUnauthorized},
	} {
		t.Run(c.name, func(t *testing.T) {
			if answer, _ := withBasic(t, s, c.userinfo); answer.Status != c.status {
				t.Fatalf("answered %d %s", answer.Status, answer.Raw)
			}
			fastest := slow
			for range 5 {
				answer, took := withBasic(t, s, c.userinfo)
				if answer.Status != c.status {
					t.Fatalf("answered %d %s", answer.Status, answer.Raw)
				}
				fastest = min(fastest, took)
			}
			if fastest > slow/3 {
				t.Errorf("it takes %s again and again, and a first guess %s", fastest, slow)
			}
		})
	}
	t.Run("a secret that is too long for any", func(t *testing.T) {
		fastest := slow
		for i := range 5 {
			answer, took := withBasic(t, s, "guessed:"+strings.Repeat("x", 100+i))
			wantError(t, answer, http.StatusUnauthorized, "invalid_client")
			fastest = min(fastest, took)
		}
		if fastest > slow/3 {
			t.Errorf("it takes %s, and a guess %s", fastest, slow)
		}
	})
}
