package blackbox

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/testkit"
	"authserver/test/harness"
)

// openssl runs the real command, with the words of a line, in the deployment's
// folder.
func openssl(t *testing.T, d *harness.Deployment, line string) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("openssl is missing: install the package openssl (apt-get install openssl, dnf install openssl, brew install openssl@3)")
	}
	command := exec.CommandContext(t.Context(), "openssl", strings.Fields(line)...)
	command.Dir = d.Dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", line, err, out)
	}
}

// thumbprintOf computes the kid of a key in PKCS #8 (RFC 7638), with another library than the
// server's.
func thumbprintOf(t *testing.T, path string) string {
	t.Helper()
	sum, err := privateJWK(t, path).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

func privateJWK(t *testing.T, path string) jwk.Key {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwk.ParseKey(text, jwk.WithPEM(true))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return key
}

// A key in every format of openssl, and as a JWK, signs after a rotation, under its thumbprint.
func TestImportedKeysSign(t *testing.T) {
	t.Parallel()
	const (
		rsa  = "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "
		p256 = "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "
		p384 = "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "
		ed   = "genpkey -algorithm ED25519 -out "
	)
	type brought struct {
		name, alg, make string
		convert         string // from the PKCS #8 in IN to OUT
		flags           []string
	}
	var all []brought
	for alg, make := range map[string]string{"RS256": rsa, "PS256": rsa, "ES256": p256, "ES384": p384, "EdDSA": ed} {
		var choose []string
		if alg == "PS256" {
			choose = []string{"--alg", "PS256"}
		}
		all = append(all,
			brought{"PKCS #8", alg, make, "pkcs8 -topk8 -nocrypt -in IN -out OUT", choose},
			brought{"JWK", alg, make, "", choose})
		switch make {
		case rsa:
			all = append(all, brought{"PKCS #1", alg, make, "rsa -traditional -in IN -out OUT", choose})
		case p256, p384:
			all = append(all, brought{"SEC 1", alg, make, "ec -in IN -out OUT", choose})
		}
	}
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		seconds(d)
		a := registerAPIs(t, d, everyAlg...)
		replicas := []*harness.Server{a.Start(), a.Start()}
		waitForSet(t, everyKey, replicas...)
		// The formats follow each other, each with all algorithms at once.
		for _, name := range []string{"PKCS #8", "JWK", "PKCS #1", "SEC 1"} {
			imported := make(map[string]string) // the kid by algorithm
			rotate := []string{"key", "rotate"}
			for _, b := range all {
				if b.name != name {
					continue
				}
				in, out := filepath.Join(d.Dir, "in"), filepath.Join(d.Dir, "out")
				openssl(t, d, b.make+in)
				if b.convert != "" {
					openssl(t, d, strings.NewReplacer("IN", in, "OUT", out).Replace(b.convert))
				} else {
					encoded, err := json.Marshal(privateJWK(t, in))
					if err != nil {
						t.Fatal(err)
					}
					d.File("out", string(encoded))
				}
				kid := thumbprintOf(t, in)
				answer := d.JSON("", append([]string{"key", "import", "--file", out}, b.flags...)...)
				if answer["kid"] != kid || answer["alg"] != b.alg || answer["state"] != "pending" {
					t.Errorf("%s in %s: imported as %v, want %s", b.alg, name, answer, kid)
				}
				imported[b.alg] = kid
				rotate = append(rotate, "--alg", b.alg)
			}
			d.Run(rotate...)
			for _, s := range replicas {
				harness.Eventually(t, shortLead+reached, "the keys in "+name+" sign", func() bool {
					return !slices.ContainsFunc(slices.Collect(maps.Keys(imported)), func(alg string) bool { return a.signs(t, s, alg) != imported[alg] })
				})
			}
		}
	})
}

// A key that is imported before the first start signs from the start, and so do the keys of the
// other algorithms.
func TestImportBeforeTheFirstStart(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		d.Run("migrate", "up")
		answer := d.JSON("", "key", "import", "--file", d.File("brought.pem", pemOf(t)))
		if answer["state"] != "active" {
			t.Errorf("in an empty database it is %v", answer["state"])
		}
		algs := append([]string{"EdDSA"}, usualAlgs...)
		a := registerAPIs(t, d, algs...)
		s := a.Start()
		for _, alg := range algs {
			if kid := a.signs(t, s, alg); (kid == answer["kid"]) != (alg == "EdDSA") {
				t.Errorf("%s is signed with %s", alg, kid)
			}
		}
	})
}

// The command refuses what cannot be a signing key, and says why.
func TestImportRefuses(t *testing.T) {
	t.Parallel()
	d := harness.SQLite(t)
	d.Run("migrate", "up")
	for _, line := range []string{
		"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p256",
		"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other",
		"genrsa -out weak 1024",
		"ecparam -name secp256k1 -genkey -noout -out k1",
		"pkcs8 -topk8 -v2 aes-256-cbc -in p256 -out encrypted -passout pass:secret",
		"req -x509 -key other -subj /CN=other.example -days 2 -out other.crt",
		"pkey -in p256 -pubout -out public",
	} {
		openssl(t, d, line)
	}
	key := privateEC(t, filepath.Join(d.Dir, "p256"))
	yesterday := time.Now().Add(-24 * time.Hour)
	expired := selfSigned(t, key, yesterday.Add(-24*time.Hour), yesterday)
	d.File("expired.crt", certificatePEM(expired))
	for _, test := range []struct {
		name string
		args []string
		want []string
	}{
		{"a weak RSA key", []string{"--file", "weak"}, []string{"--file", "1024 bits", "too small"}},
		{"a curve of no supported algorithm", []string{"--file", "k1"}, []string{"--file"}},
		{"a public key", []string{"--file", "public"}, []string{"--file", "public key"}},
		{"an encrypted key", []string{"--file", "encrypted"}, []string{"--file", "encrypted", "openssl pkcs8 -topk8 -nocrypt"}},
		{"an algorithm of another kind of key", []string{"--file", "p256", "--alg", "RS256"}, []string{"--alg", "RS256", "ES256"}},
		{"a certificate of another key", []string{"--file", "p256", "--certificate-file", "other.crt"}, []string{`"CN=other.example"`, "another key"}},
		{"an expired certificate", []string{"--file", "p256", "--certificate-file", "expired.crt"}, []string{"expired at " + yesterday.UTC().Format("2006-01-02T")}},
		{"neither a file nor a URI", nil, []string{"--file", "--uri"}},
		{"a file that is not there", []string{"--file", "nothing"}, []string{"--file", "nothing"}},
	} {
		_, stderr, code := d.Try("", append([]string{"key", "import"}, test.args...)...)
		if code != 2 {
			t.Errorf("%s: exit code %d, want 2: %s", test.name, code, stderr)
		}
		for _, want := range test.want {
			if !strings.Contains(stderr, want) {
				t.Errorf("%s: it does not say %q: %s", test.name, want, stderr)
			}
		}
	}
	if listed := listKeys(t, d); len(listed) != 0 {
		t.Errorf("there are the keys %v", listed)
	}
	d.Run("key", "import", "--file", "p256")
	for _, again := range [][]string{nil, {"--certificate-file", "own.crt"}} {
		openssl(t, d, "req -x509 -key p256 -subj /CN=own.example -days 2 -out own.crt")
		if _, stderr, code := d.Try("", append([]string{"key", "import", "--file", "p256"}, again...)...); code != 1 || !strings.Contains(stderr, "is here already") || strings.Contains(stderr, "constraint") {
			t.Errorf("a key that is there: exit code %d: %s", code, stderr)
		}
	}
}

func privateEC(t *testing.T, path string) *ecdsa.PrivateKey {
	t.Helper()
	var key ecdsa.PrivateKey
	if err := privateJWK(t, path).Raw(&key); err != nil {
		t.Fatal(err)
	}
	return &key
}

func certificatePEM(chain ...[]byte) string {
	var text strings.Builder
	for _, der := range chain {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return text.String()
}

// publishedKey returns a key of the key set; nil: it is not in the set.
func publishedKey(t *testing.T, s *harness.Server, kid string) map[string]any {
	t.Helper()
	set, _ := harness.Get(t, s.URL+jwksPath).Body["keys"].([]any)
	for _, k := range set {
		if key, _ := k.(map[string]any); key["kid"] == kid {
			return key
		}
	}
	return nil
}

// authority is a certificate authority of a test.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key := testkit.P256(t)
	template := certificateTemplate("Test CA")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	return authority{key, testkit.SelfSigned(t, *template, key)}
}

// certify issues a certificate for a public key.
func (a authority) certify(t *testing.T, public any) []byte {
	t.Helper()
	template := certificateTemplate("auth.example.test")
	template.KeyUsage = x509.KeyUsageDigitalSignature
	return testkit.Certify(t, *template, public, a.certificate, a.key).Raw
}
