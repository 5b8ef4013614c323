package blackbox

import (
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/test/harness"
)

func certificateTemplate(name string) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		serial = big.NewInt(1)
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
}

// wantChain waits until a server publishes a key with exactly these certificates
// (RFC 7517 §4.7 to §4.9).
func wantChain(t *testing.T, s *harness.Server, kid string, chain ...[]byte) {
	t.Helper()
	want := map[string]any{"x5c": nil, "x5t": nil, "x5t#S256": nil}
	if len(chain) > 0 {
		thumbprint, thumbprint256 := sha1.Sum(chain[0]), sha256.Sum256(chain[0])
		want["x5t"] = base64.RawURLEncoding.EncodeToString(thumbprint[:])
		want["x5t#S256"] = base64.RawURLEncoding.EncodeToString(thumbprint256[:])
		var x5c []any
		for _, der := range chain {
			x5c = append(x5c, base64.StdEncoding.EncodeToString(der))
		}
		want["x5c"] = x5c
	}
	got := make(map[string]any)
	harness.Eventually(t, reached, "the key is published with its certificates", func() bool {
		key := publishedKey(t, s, kid)
		for name := range want {
			got[name] = key[name]
		}
		return key != nil && cmp.Equal(want, got)
	})
}

func derOf(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("%s is no PEM", path)
	}
	return block.Bytes
}

// The key set has certificates from openssl in the entry of their key.
func TestImportedCertificates(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		a := registerAPIs(t, d)
		replicas := []*harness.Server{a.Start(), a.Start()}
		for _, line := range []string{
			"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out self",
			"req -x509 -key self -subj /CN=self.example -days 2 -out self.crt",
			"genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out leaf",
			"req -new -key leaf -subj /CN=leaf.example -out leaf.csr",
			"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out ca",
			"req -x509 -key ca -subj /CN=ca.example -days 2 -out ca.crt",
			"x509 -req -in leaf.csr -CA ca.crt -CAkey ca -set_serial 7 -days 1 -out leaf.crt",
		} {
			openssl(t, d, line)
		}
		at := func(name string) []byte { return derOf(t, filepath.Join(d.Dir, name)) }
		for _, test := range []struct {
			name, file string
			chain      [][]byte
		}{
			{"self-signed", "self", [][]byte{at("self.crt")}},
			{"two steps", "leaf", [][]byte{at("leaf.crt"), at("ca.crt")}},
		} {
			answer := d.JSON("", "key", "import", "--file", test.file, "--certificate-file", d.File("chain.crt", certificatePEM(test.chain...)))
			if answer["certificates"] != float64(len(test.chain)) {
				t.Errorf("%s: imported as %v", test.name, answer)
			}
			kid, _ := answer["kid"].(string)
			for _, s := range replicas {
				wantChain(t, s, kid, test.chain...)
			}
		}
		if _, stderr, code := d.Try("", "key", "certify", "--certificate-file", d.File("turned.crt", certificatePEM(at("ca.crt"), at("leaf.crt"))), "--", thumbprintOf(t, filepath.Join(d.Dir, "leaf"))); code != 2 || !strings.Contains(stderr, "has to be the first") {
			t.Errorf("a chain in the wrong order: exit code %d, %s", code, stderr)
		}
	})
}

// An authority certifies the public half of a key that a server made, and the key signs as before.
func TestCertifyAGeneratedKey(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		a := registerAPIs(t, d, everyAlg...)
		replicas := []*harness.Server{a.Start(), a.Start()}
		waitForSet(t, everyKey, replicas...)
		ca := newAuthority(t)
		for _, alg := range everyAlg {
			active := mustBeInState(t, d, alg, "active").KID
			text, err := json.Marshal(publishedKey(t, replicas[0], active))
			if err != nil {
				t.Fatal(err)
			}
			var public any
			if err := jwk.ParseRawKey(text, &public); err != nil {
				t.Fatal(err)
			}
			leaf := ca.certify(t, public)
			answer := d.Run("key", "certify", "-o", "json", "--certificate-file", d.File("chain.crt", certificatePEM(leaf, ca.certificate.Raw)), "--", active)
			if !strings.Contains(answer, `"certificates":2`) && !strings.Contains(answer, `"certificates": 2`) {
				t.Errorf("certified as %s", answer)
			}
			for _, s := range replicas {
				wantChain(t, s, active, leaf, ca.certificate.Raw)
				if kid := a.signs(t, s, alg); kid != active {
					t.Errorf("%s is signed with %s, want the certified key", alg, kid)
				}
			}
			foreign := d.File("foreign.crt", certificatePEM(ca.certify(t, ca.key.Public())))
			if _, stderr, code := d.Try("", "key", "certify", "--certificate-file", foreign, "--", active); code != 2 || !strings.Contains(stderr, "another key") {
				t.Errorf("a certificate of another key: exit code %d, %s", code, stderr)
			}
			d.Run("key", "certify", "--certificate-file", d.File("none.crt", ""), "--", active)
			for _, s := range replicas {
				wantChain(t, s, active)
			}
		}
		certificate := d.File("chain.crt", certificatePEM(ca.certificate.Raw))
		if _, stderr, code := d.Try("", "key", "certify", "--certificate-file", certificate, "--", "unknown"); code != 1 || !strings.Contains(stderr, "authserver key list") {
			t.Errorf("a key that is not there: exit code %d, %s", code, stderr)
		}
	})
}
