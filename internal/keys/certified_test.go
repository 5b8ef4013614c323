package keys_test

import (
	"crypto/elliptic"
	"crypto/sha1" // x5t is the SHA-1 thumbprint (RFC 7517 §4.8)
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
	"authserver/internal/store"
)

// publishedKey has the members of a key in the JWKS that are not its numbers.
type publishedKey struct {
	KID, Alg, Use, Kty, N, E, Crv, X, Y string
	X5C                                 []string `json:"x5c"`
	X5T                                 string   `json:"x5t"`
	X5TS256                             string   `json:"x5t#S256"`
}

func inJWKS(t *testing.T, m *keys.Manager, kid string) publishedKey {
	t.Helper()
	var set struct{ Keys []publishedKey }
	if err := json.Unmarshal(m.JWKS().Body, &set); err != nil {
		t.Fatal(err)
	}
	for _, k := range set.Keys {
		if k.KID == kid {
			return k
		}
	}
	t.Fatalf("the JWKS has no key %s: %s", kid, m.JWKS().Body)
	return publishedKey{}
}

// certified returns a key with a chain of two certificates. The authority's certificate expires in
// nine days, a day before the key's.
func certified(t *testing.T) (keys.Material, []*x509.Certificate) {
	t.Helper()
	root := newAuthority(t, "root", nil, func(c *x509.Certificate) { march(c); c.NotAfter = c.NotAfter.AddDate(0, 0, -1) })
	key := ecKey(t, elliptic.P256())
	chain := []*x509.Certificate{root.issue(t, "mine", key, march), root.certificate}
	return keys.Material{Private: key, Certificates: chain}, chain
}

func TestTheJWKSShowsCertificatesUntilTheyExpire(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	m.Timeline.RotationInterval = 1000 * time.Hour
	brought, chain := certified(t)
	imported, err := m.Import(t.Context(), by(), brought, "")
	if err != nil {
		t.Fatal(err)
	}
	if imported.Certificates != 2 {
		t.Errorf("imported %+v", imported)
	}
	load(t, m)
	// RFC 7517 §4.7 to §4.9, computed from the certificates as they were issued.
	first := sha1.Sum(chain[0].Raw)
	first256 := sha256.Sum256(chain[0].Raw)
	plain := inJWKS(t, m, imported.KID)
	want := plain
	want.X5C = []string{base64.StdEncoding.EncodeToString(chain[0].Raw), base64.StdEncoding.EncodeToString(chain[1].Raw)}
	want.X5T = base64.RawURLEncoding.EncodeToString(first[:])
	want.X5TS256 = base64.RawURLEncoding.EncodeToString(first256[:])
	if diff := cmp.Diff(want, plain); diff != "" {
		t.Errorf("the JWK (-want +got): %s", diff)
	}
	leaf, err := base64.StdEncoding.DecodeString(plain.X5C[0])
	if err != nil {
		t.Fatal(err)
	}
	if parsed, err := x509.ParseCertificate(leaf); err != nil || !cmp.Equal(parsed.PublicKey, brought.Private.Public()) {
		t.Errorf("the first certificate is not the key's: %v", err)
	}
	if listed, err := m.List(t.Context()); err != nil || listed[0].Certificates != 2 {
		t.Errorf("listed %+v, %v", listed, err)
	}
	other := newManager(t, st, c)
	load(t, other)
	if diff := cmp.Diff(m.JWKS(), other.JWKS()); diff != "" {
		t.Errorf("another replica serves other bytes: %s", diff)
	}
	st.down = true // from here on only the clock changes something
	tag := m.JWKS().ETag
	c.advance(chain[1].NotAfter.Sub(c.Now()))
	if got := m.JWKS().ETag; got != tag {
		t.Error("the certificates are gone in the last second of the first to expire")
	}
	c.advance(1)
	bare := want
	bare.X5C, bare.X5T, bare.X5TS256 = nil, "", ""
	if diff := cmp.Diff(bare, inJWKS(t, m, imported.KID)); diff != "" {
		t.Errorf("the JWK after that (-want +got): %s", diff)
	}
	if m.JWKS().ETag == tag {
		t.Error("the ETag did not change")
	}
	signerOf(t, m, keys.ES256)
	c.advance(100 * time.Hour)
	inJWKS(t, m, imported.KID)
}

func TestCertificatesAreAttachedLater(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	active := signerOf(t, m, keys.ES256)
	before := *st.find(active.KID)
	certificate := (*authority)(nil).issue(t, "mine", active.Key, march)
	certify := func(kid string, chain ...*x509.Certificate) (keys.Imported, error) {
		return newManager(t, st, c).Certify(t.Context(), by(), kid, chain)
	}
	got, err := certify(active.KID, certificate)
	want := keys.Imported{KID: active.KID, Alg: keys.ES256, State: keys.Active, PublishedAt: before.PublishedAt, ActiveAt: before.ActiveAt, Certificates: 1}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Fatalf("certified, %v (-want +got): %s", err, diff)
	}
	before.Certificates = [][]byte{certificate.Raw}
	if diff := cmp.Diff(before, *st.find(active.KID)); diff != "" {
		t.Errorf("the row (-want +got): %s", diff)
	}
	if err := m.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if k := inJWKS(t, m, active.KID); len(k.X5C) != 1 {
		t.Errorf("the JWK has %d certificates", len(k.X5C))
	}
	renewed := (*authority)(nil).issue(t, "renewed", active.Key, march)
	if _, err := certify(active.KID, renewed); err != nil {
		t.Fatal(err)
	}
	if err := m.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if k := inJWKS(t, m, active.KID); len(k.X5C) != 1 || k.X5C[0] != base64.StdEncoding.EncodeToString(renewed.Raw) {
		t.Error("the JWK has the old certificate after the new one was attached")
	}
	if got, err := certify(active.KID); err != nil || got.Certificates != 0 {
		t.Errorf("taken away: %+v, %v", got, err)
	}
	if err := m.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if k := inJWKS(t, m, active.KID); len(k.X5C) != 0 || k.X5T != "" || k.X5TS256 != "" {
		t.Errorf("the JWK has certificates after they were taken away: %+v", k)
	}
	// If a certificate is refused, the key keeps those that it has.
	expired := (*authority)(nil).issue(t, "mine", active.Key, func(c *x509.Certificate) {
		march(c)
		c.NotAfter = newClock().Now().Add(-time.Second)
	})
	for _, c := range []struct {
		name, kid, want string
		chain           []*x509.Certificate
	}{
		{"an unknown key", "unknown", "certify key unknown: not found", nil},
		{"of another key", active.KID, "is of another key", []*x509.Certificate{(*authority)(nil).issue(t, "other", ecKey(t, elliptic.P256()), march)}},
		{"that has expired", active.KID, "renew it", []*x509.Certificate{expired}},
	} {
		if _, err := certify(c.kid, c.chain...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("certificates %s: error = %v, want one that says %q", c.name, err, c.want)
		}
	}
	if _, err := m.Revoke(t.Context(), by(), active.KID, "it leaked"); err != nil {
		t.Fatal(err)
	}
	if _, err := certify(active.KID, certificate); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a revoked key is certified: %v", err)
	}
	behind := newClock()
	behind.advance(-time.Second)
	if _, err := newManager(t, st, behind).Certify(t.Context(), by(), active.KID, []*x509.Certificate{certificate}); err == nil {
		t.Error("a revoked key is certified where the clock is behind")
	}
	st.down = true
	if _, err := m.Certify(t.Context(), by(), active.KID, nil); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error = %v, want ErrUnavailable", err)
	}
}

// An attacker who can only write to the database cannot get this server to publish a certificate of
// another key.
func TestCertificatesInATamperedRowAreNotPublished(t *testing.T) {
	brought, chain := certified(t)
	other := ecKey(t, elliptic.P256())
	for name, certificates := range map[string][][]byte{
		"of another key":            {(*authority)(nil).issue(t, "other", other, march).Raw},
		"in disorder":               {chain[1].Raw, chain[0].Raw},
		"that are damaged":          {chain[0].Raw[:100]},
		"with a damaged one behind": {chain[0].Raw, {1, 2, 3}},
		"one of them empty":         {chain[0].Raw, {}},
		"that do not sign":          {(*authority)(nil).issue(t, "mine", brought.Private, func(c *x509.Certificate) { march(c); c.KeyUsage = x509.KeyUsageKeyAgreement }).Raw},
		"from the future": {(*authority)(nil).issue(t, "mine", brought.Private, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = newClock().Now().Add(time.Hour), newClock().Now().Add(2*time.Hour)
		}).Raw},
	} {
		t.Run(name, func(t *testing.T) {
			st, c := &memory{}, newClock()
			m := newManager(t, st, c)
			if _, err := m.Import(t.Context(), by(), brought, ""); err != nil {
				t.Fatal(err)
			}
			st.signing[0].Certificates = certificates
			load(t, m)
			if k := inJWKS(t, m, st.signing[0].KID); len(k.X5C) != 0 || k.X5T != "" || k.X5TS256 != "" {
				t.Errorf("the JWKS shows them: %+v", k)
			}
			signerOf(t, m, keys.ES256)
		})
	}
}

func TestEveryKindOfKeyIsPublishedWithItsCertificate(t *testing.T) {
	for _, alg := range keys.Algorithms() {
		t.Run(alg, func(t *testing.T) {
			st, c := &memory{}, newClock()
			m := newManager(t, st, c)
			m.Algorithms = []string{alg}
			private := generate(t, alg)
			certificate := (*authority)(nil).issue(t, "mine", private, march)
			imported, err := m.Import(t.Context(), by(), keys.Material{Private: private, Certificates: []*x509.Certificate{certificate}}, alg)
			if err != nil {
				t.Fatal(err)
			}
			load(t, m)
			k := inJWKS(t, m, imported.KID)
			if k.Alg != alg || k.Use != "sig" || len(k.X5C) != 1 || k.X5C[0] != base64.StdEncoding.EncodeToString(certificate.Raw) {
				t.Errorf("the JWK is %+v", k)
			}
		})
	}
}
