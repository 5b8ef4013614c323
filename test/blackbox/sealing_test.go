package blackbox

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/test/harness"
)

// traces returns the forms in which bytes could be in a dump, cut into pieces so small that neither
// a page of a database nor a line of PEM breaks all of them.
func traces(secret []byte) []string {
	const piece = 24
	var found []string
	for from := 0; from < len(secret); from += piece {
		part := secret[from:min(from+piece, len(secret))]
		if len(part) < 16 {
			continue // too short to be unique
		}
		found = append(found, string(part), hex.EncodeToString(part), strings.ToUpper(hex.EncodeToString(part)))
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 { // by its offset in the encoded text
			if len(secret) <= shift {
				continue
			}
			text := encoding.EncodeToString(secret[shift:])
			for from := 0; from+32 <= len(text); from += 32 {
				found = append(found, text[from:from+32])
			}
		}
	}
	return found
}

// A database dump shows only the public half of keys: neither a private number of an imported key,
// nor an issuer's secret, in any encoding.
func TestADumpShowsNoKey(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		s := f.Start()
		private, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		scalar, err := ec.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		secrets := map[string][]byte{
			"the issuer's secret": []byte(sharedSecret),
			"d of the RSA key":    private.D.Bytes(), "p of the RSA key": private.Primes[0].Bytes(), "q of the RSA key": private.Primes[1].Bytes(),
			"PKCS #1 of the RSA key": x509.MarshalPKCS1PrivateKey(private)[300:], // the beginning is public
			"d of the EC key":        scalar,
		}
		for _, key := range []any{private, ec} {
			f.Run("key", "import", "--file", f.File("brought.pem", harness.KeyPEM(t, key)))
		}
		session := s.MustToken(t, f.web, login())
		s.MustToken(t, f.web, refresh(session.Text("refresh_token")))
		s.MustToken(t, harness.Credentials{}, bearer(f.bySecret(t)))
		s.Kill() // so that SQLite's write-ahead log remains

		text := dump(t, f)
		public, err := jwk.FromRaw(private.Public())
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := json.Marshal(public)
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]string
		if err := json.Unmarshal(encoded, &members); err != nil || !strings.Contains(text, members["n"]) {
			t.Fatalf("the dump does not even hold the public half of the key (%v): this test looks in the wrong place", err)
		}
		for what, secret := range secrets {
			for _, trace := range traces(secret) {
				if strings.Contains(text, trace) {
					t.Errorf("the dump holds %s, as %q", what, trace)
					break
				}
			}
		}
	})
}

// openFailures reads from the metrics how many sealed values could not be opened.
func openFailures(t *testing.T, s *harness.Server) int {
	t.Helper()
	return int(metric(t, s, `authserver_sealing_failures_total{operation="open"}`))
}

// Private keys that are swapped between two rows are useless: a running server continues with its
// keys and says what is wrong, and no server starts.
func TestSwappedSigningKeys(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		a := registerAPIs(t, d, everyAlg...)
		s := a.Start()
		waitForSet(t, everyKey, s)
		before := harness.Get(t, s.URL+jwksPath).Raw
		one, other := mustBeInState(t, d, "ES256", "active").KID, mustBeInState(t, d, "RS256", "active").KID
		if n := openFailures(t, s); n != 0 {
			t.Fatalf("%d failures before there was one", n)
		}
		swap(t, d, "signing_keys", "sealed", "kid", one, other)
		for _, kid := range []string{one, other} {
			wantLog(t, s, `"level":"ERROR"`, kid, "belongs to another row", "restore the row from a backup")
		}
		harness.Eventually(t, reached, "the metric rises", func() bool { return openFailures(t, s) > 0 })
		for alg, kid := range map[string]string{"ES256": one, "RS256": other} {
			if got := a.signs(t, s, alg); got != kid {
				t.Errorf("it signs %s with %s, want %s", alg, got, kid)
			}
		}
		if !bytes.Equal(harness.Get(t, s.URL+jwksPath).Raw, before) || harness.Get(t, s.OpsURL+"/readyz").Status != http.StatusOK {
			t.Error("it does not go on as before")
		}
		// The server follows all changes that the damage does not affect.
		leaked := mustBeInState(t, d, "EdDSA", "active").KID
		d.Run("key", "revoke", "--reason", "drill", "--yes", "--", leaked)
		harness.Eventually(t, reached, "the revocation of another key is obeyed", func() bool { return publishedKey(t, s, leaked) == nil })

		_, stderr, code := d.Try("", "serve")
		if code != 1 || !strings.Contains(stderr, one) || !strings.Contains(stderr, "belongs to another row") {
			t.Errorf("another server starts: exit code %d, %s", code, stderr)
		}
		swap(t, d, "signing_keys", "sealed", "kid", one, other)
		a.signs(t, a.Start(), "ES256")
	})
}

// The same is true for issuers' secrets: if an assertion cannot be checked, the server is at fault,
// and not the client that presented it.
func TestSwappedIssuerSecrets(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		const otherIssuer = "https://other-secret.example.com"
		f.Run("issuer", "create", "--iss", otherIssuer, "--subject-claim", "email", "--require-client-auth=false", "--scope", "read", "--resource", apiRS256,
			"--secret-file", f.File("other.secret", "another-shared-secret-of-32-bytes!!"))
		s := f.Start()
		s.MustToken(t, harness.Credentials{}, bearer(f.bySecret(t)))
		exchange := func() { swap(t, d, "issuers", "sealed_secret", "id", secretIssuer, otherIssuer) }
		exchange()
		var answer harness.Answer
		harness.Eventually(t, reached, "the assertion is not good any more", func() bool {
			answer = s.Token(t, harness.Credentials{}, bearer(f.bySecret(t)))
			return answer.Status != http.StatusOK
		})
		wantError(t, answer, http.StatusInternalServerError, "server_error")
		wantLog(t, s, answer.Header.Get("X-Request-Id"), "belongs to another row")
		if openFailures(t, s) == 0 {
			t.Error("the metric does not rise")
		}
		s.MustToken(t, f.batch, clientCredentials())
		exchange()
		harness.Eventually(t, reached, "the assertion is good again", func() bool {
			return s.Token(t, harness.Credentials{}, bearer(f.bySecret(t))).Status == http.StatusOK
		})
	})
}
