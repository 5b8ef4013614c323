//go:build pkcs11 && cgo

package pkcs11

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"authserver/test/softhsm"
)

func TestEveryAlgorithmSignsJWTs(t *testing.T) {
	o := softHSM(t)
	m := open(t, o)
	type key struct {
		uri    string
		public crypto.PublicKey
	}
	keys := map[string]key{}
	for _, alg := range Algorithms() {
		t.Run(alg, func(t *testing.T) {
			s, uri, err := m.Generate(alg)
			if err != nil {
				t.Fatal(err)
			}
			checkJWS(t, alg, s, s.Public())
			found, err := m.Signer(uri)
			if err != nil {
				t.Fatal(err)
			}
			checkJWS(t, alg, found, s.Public())
			keys[alg] = key{uri, s.Public()}
		})
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	m = open(t, o)
	for alg, key := range keys {
		t.Run(alg+" after another start", func(t *testing.T) {
			s, err := m.Signer(key.uri)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(key.public, s.Public()); diff != "" {
				t.Errorf("public key (-generated +found):\n%s", diff)
			}
			checkJWS(t, alg, s, key.public)
		})
	}
}

// checkJWS signs with s, and requires public to verify the signature.
func checkJWS(t *testing.T, alg string, s crypto.Signer, public crypto.PublicKey) {
	t.Helper()
	payload := rand.Text()
	signed, err := jws.Sign([]byte(payload), jws.WithKey(jwa.SignatureAlgorithm(alg), s))
	if err != nil {
		t.Error(err)
		return
	}
	got, err := jws.Verify(signed, jws.WithKey(jwa.SignatureAlgorithm(alg), public))
	if err != nil || string(got) != payload {
		t.Errorf("%s: jws.Verify = %q, %v; want %q", alg, got, err, payload)
	}
}

func TestManySignAtOnce(t *testing.T) {
	m := open(t, softHSM(t))
	var group sync.WaitGroup
	for _, alg := range Algorithms() {
		s, _, err := m.Generate(alg)
		if err != nil {
			t.Fatal(err)
		}
		for range maxSessions / 2 { // together twice as many as sessions
			group.Go(func() {
				for range 10 {
					checkJWS(t, alg, s, s.Public())
				}
			})
		}
	}
	group.Wait()
}

// TestTheSaltIsAsLongAsTheHash checks RFC 7518 §3.5, because jws.Verify does not.
func TestTheSaltIsAsLongAsTheHash(t *testing.T) {
	m := open(t, softHSM(t))
	s, _, err := m.Generate("PS256")
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte("payload"))
	pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	signature, err := s.Sign(rand.Reader, digest[:], pss)
	if err != nil {
		t.Fatal(err)
	}
	exactly := &rsa.PSSOptions{SaltLength: sha256.Size, Hash: crypto.SHA256}
	if err := rsa.VerifyPSS(s.Public().(*rsa.PublicKey), crypto.SHA256, digest[:], signature, exactly); err != nil {
		t.Error(err)
	}
}

func TestSignRefusesWhatIsNoDigest(t *testing.T) {
	m := open(t, softHSM(t))
	s, _, err := m.Generate("RS256")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		digest []byte
		hash   crypto.Hash
	}{
		"a byte too few":        {make([]byte, 31), crypto.SHA256},
		"another hash's":        {make([]byte, 32), crypto.SHA384},
		"a message not hashed":  {make([]byte, 32), 0},
		"the empty one of none": {nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if signature, err := s.Sign(rand.Reader, test.digest, test.hash); err == nil {
				t.Errorf("Sign = %x", signature)
			}
		})
	}
}

func TestGenerateRefusesOtherAlgorithms(t *testing.T) {
	m := open(t, softHSM(t))
	for _, alg := range []string{"", "none", "HS256", "RS512", "ES512", "EdDSA", "es256"} {
		_, uri, err := m.Generate(alg)
		if err == nil || !strings.Contains(err.Error(), "RS256, PS256, ES256, ES384") {
			t.Errorf("Generate(%q) = %s, %v; want an error that names the algorithms", alg, uri, err)
		}
	}
}

func TestSignerRefuses(t *testing.T) {
	o := softHSM(t)
	m := open(t, o)
	for _, id := range []byte{1, 2} {
		if _, err := m.context.GenerateECDSAKeyPairWithLabel([]byte{id}, []byte("twins"), elliptic.P256()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.context.GenerateECDSAKeyPairWithLabel([]byte{3}, []byte("P-521"), elliptic.P521()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.context.GenerateRSAKeyPairWithLabel([]byte{4}, []byte("short"), 1024); err != nil {
		t.Fatal(err)
	}
	_, uri, err := m.Generate("ES256")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ uri, want string }{
		"an unknown id":                {"pkcs11:id=%01%02%03", "no such key pair"},
		"an unknown label":             {"pkcs11:object=nobody", "no such key pair"},
		"a label of another id":        {"pkcs11:object=short;id=%08", "no such key pair"},
		"another token":                {"pkcs11:token=other;id=%01", `"other"`},
		"a label that two keys have":   {"pkcs11:object=twins", "2 key pairs"},
		"a key too short":              {"pkcs11:object=short", "1024 bits is too short"},
		"a key on another curve":       {"pkcs11:id=%03", "curve P-521"},
		"what is no URI":               {"-----BEGIN", "begins with"},
		"a URI with a PIN":             {uri + "?pin-value=" + softhsm.PIN, "holds a PIN"},
		"a URI with a PIN in the path": {uri + ";pin-value=" + softhsm.PIN, "holds a PIN"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := m.Signer(test.uri)
			if err == nil {
				t.Fatalf("Signer = %v", s)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("Signer: %v; want %q in it", err, test.want)
			}
			if strings.Contains(err.Error(), softhsm.PIN) {
				t.Errorf("the error holds the PIN: %v", err)
			}
		})
	}
}

func TestAKeyIsFoundByItsLabelToo(t *testing.T) {
	o := softHSM(t)
	m := open(t, o)
	s, uri, err := m.Generate("ES384")
	if err != nil {
		t.Fatal(err)
	}
	u, err := ParseURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	if u.Token != softhsm.Label || len(u.ID) != 16 || u.Object != "" {
		t.Errorf("%s does not name the token and an id of 16 bytes", uri)
	}
	u = URI{Object: fmt.Sprintf("authserver ES384 %x", u.ID[:4]), Type: "private"}
	found, err := m.Signer(u.String())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s.Public(), found.Public()); diff != "" {
		t.Errorf("public key (-generated +found):\n%s", diff)
	}
}
