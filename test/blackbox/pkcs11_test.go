//go:build pkcs11

package blackbox

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"authserver/test/harness"
	"authserver/test/softhsm"
)

// tokenAlgs are the algorithms of keys in a PKCS #11 token.
var tokenAlgs = []string{"RS256", "ES256", "PS256", "ES384"}

// withToken is a deployment whose keys stay in a token of SoftHSM.
func withToken(t *testing.T) (*harness.Deployment, softhsm.Token) {
	t.Helper()
	token := softhsm.New(t)
	d := harness.SQLite(t)
	d.Env = append(d.Env, "SOFTHSM2_CONF="+token.Conf)
	d.Set("PKCS11_MODULE", token.Module)
	d.Set("PKCS11_TOKEN", softhsm.Label)
	d.Set("PKCS11_PIN_FILE", d.File("pin", softhsm.PIN+"\n"))
	seconds(d)
	return d, token
}

// sealedSizes returns the size of each signing key in the database, in bytes.
func sealedSizes(t *testing.T, d *harness.Deployment) (sizes []int) {
	t.Helper()
	rows, err := openDatabase(t, d).QueryContext(t.Context(), "SELECT length(sealed) FROM signing_keys")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var size int
		if err := rows.Scan(&size); err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, size)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return sizes
}

// Keys in a token sign for every replica, after restarts and rotations; the database has only their
// names.
func TestPKCS11(t *testing.T) {
	d, _ := withToken(t)
	a := registerAPIs(t, d, tokenAlgs...)
	replicas := []*harness.Server{a.Start(), a.Start()}
	before := waitForSet(t, 8, replicas...)
	active := make(map[string]string)
	for _, alg := range tokenAlgs {
		active[alg] = a.signs(t, replicas[0], alg)
		if a.signs(t, replicas[1], alg) != active[alg] {
			t.Errorf("the replicas sign %s with different keys", alg)
		}
	}
	const longestURI = 200 // bytes; a private RSA key takes more than a thousand
	if sizes := sealedSizes(t, d); len(sizes) != 8 || slices.Max(sizes) > longestURI {
		t.Errorf("the database has for its keys %v bytes", sizes)
	}

	replicas[0].Kill()
	replicas[1].Stop()
	replicas = []*harness.Server{a.Start(), a.Start()}
	if after := waitForSet(t, 8, replicas...); !slices.Equal(before, after) {
		t.Errorf("a restart makes of the keys %v the keys %v", before, after)
	}

	d.Run("key", "rotate")
	for _, s := range replicas {
		for _, alg := range tokenAlgs {
			harness.Eventually(t, shortLead+promised, "the next key signs", func() bool {
				kid := a.signs(t, s, alg)
				return kid != active[alg] && slices.Contains(before, kid)
			})
		}
	}
	if sizes := sealedSizes(t, d); len(sizes) != 12 || slices.Max(sizes) > longestURI {
		t.Errorf("after the rotation the database has for its keys %v bytes", sizes)
	}
	leaked := a.signs(t, replicas[0], "ES256")
	d.Run("key", "revoke", "--reason", "drill", "--yes", "--", leaked)
	for _, s := range replicas {
		harness.Eventually(t, promised, "the revoked key is gone", func() bool { return publishedKey(t, s, leaked) == nil })
		if a.signs(t, s, "ES256") == leaked {
			t.Error("the revoked key signs")
		}
	}
}

// A key that was in the token before authserver was installed signs after a rotation.
func TestPKCS11ImportByURI(t *testing.T) {
	d, token := withToken(t)
	a := registerAPIs(t, d, tokenAlgs...)
	s := a.Start()
	waitForSet(t, 8, s)
	for _, line := range []string{
		"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out made",
		"pkcs8 -topk8 -nocrypt -in made -out pkcs8",
	} {
		openssl(t, d, line)
	}
	token.Util(t, "--import", filepath.Join(d.Dir, "pkcs8"), "--token", softhsm.Label, "--label", "made before", "--id", "a1b2", "--pin", softhsm.PIN)
	uri := "pkcs11:token=the%20keys;id=%a1%b2;type=private"
	answer := d.JSON("", "key", "import", "--uri", uri)
	kid := thumbprintOf(t, filepath.Join(d.Dir, "made"))
	if answer["kid"] != kid || answer["alg"] != "ES384" || answer["state"] != "pending" {
		t.Errorf("imported as %v, want %s", answer, kid)
	}
	d.Run("key", "rotate", "--alg", "ES384")
	harness.Eventually(t, shortLead+promised, "it signs", func() bool { return a.signs(t, s, "ES384") == kid })
	ca := newAuthority(t)
	leaf := ca.certify(t, privateECPublic(t, filepath.Join(d.Dir, "made")))
	d.Run("key", "certify", "--certificate-file", d.File("chain.crt", certificatePEM(leaf, ca.certificate.Raw)), "--", kid)
	wantChain(t, s, kid, leaf, ca.certificate.Raw)
	for _, test := range []struct{ uri, want string }{
		{"pkcs11:token=the%20keys;id=%00%01;type=private", "no "},
		{"file:made", "pkcs11:"},
		{uri + "?pin-value=" + softhsm.PIN, "PIN"},
	} {
		_, stderr, code := d.Try("", "key", "import", "--uri", test.uri)
		if code == 0 || !strings.Contains(stderr, test.want) || strings.Contains(stderr, softhsm.PIN) {
			t.Errorf("%s: exit code %d, %s", test.uri, code, stderr)
		}
	}
}

func privateECPublic(t *testing.T, path string) any {
	t.Helper()
	return privateEC(t, path).Public()
}

// Without its token, or with a wrong PIN, no server starts, and it does not try the PIN so often
// that the token locks itself. Commands that use no key work.
func TestPKCS11ThatDoesNotOpen(t *testing.T) {
	d, _ := withToken(t)
	a := registerAPIs(t, d, tokenAlgs...)
	s := a.Start()
	waitForSet(t, 8, s)
	kid := a.signs(t, s, "ES256")
	s.Stop()
	wrong := d.File("wrong", "271828\n")
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"another PIN", []string{"--pkcs11-pin-file", wrong}, "the PIN is wrong"},
		{"another label", []string{"--pkcs11-token", "unknown"}, "no token of that label"},
		{"another library", []string{"--pkcs11-module", d.File("text.so", "text")}, "text.so"},
		{"no token", []string{"--pkcs11-module", "", "--pkcs11-token", "", "--pkcs11-pin-file", ""}, "set pkcs11-module"},
	} {
		stdout, stderr, code := d.Try("", append([]string{"serve"}, test.args...)...)
		if code == 0 || !strings.Contains(stderr, test.want) || strings.Contains(stdout+stderr, "271828") {
			t.Errorf("%s: exit code %d, %s%s", test.name, code, stdout, stderr)
		}
	}
	right := slices.Clone(d.Env)
	d.Set("PKCS11_PIN_FILE", wrong)
	for _, command := range [][]string{{"key", "list"}, {"key", "plan"}, {"client", "list"}, {"resource", "show", apiOf("ES256")}} {
		d.Run(command...)
	}
	if _, stderr, code := d.Try("", "key", "rotate"); code != 1 || strings.Count(stderr, "the PIN is wrong") != 1 {
		t.Errorf("a rotation with another PIN: exit code %d, %s", code, stderr)
	}
	d.Env = right
	if got := a.signs(t, a.Start(), "ES256"); got != kid {
		t.Errorf("with the PIN %s signs, want %s", got, kid)
	}
}
