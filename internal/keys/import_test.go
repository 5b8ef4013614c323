package keys_test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
	"authserver/internal/store"
)

func TestAKeyIsImportedForItsAlgorithm(t *testing.T) {
	rsaKey := generate(t, keys.RS256)
	p256, p384, ed := generate(t, keys.ES256), generate(t, keys.ES384), generate(t, keys.EdDSA)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		private      crypto.Signer
		named, asked string
		want, fault  string
	}{
		{"an RSA key is for RS256", rsaKey, "", "", keys.RS256, ""},
		{"an RSA key is for PS256 where that is asked for", rsaKey, "", keys.PS256, keys.PS256, ""},
		{"or where the key says so", rsaKey, keys.PS256, "", keys.PS256, ""},
		{"or both", rsaKey, keys.PS256, keys.PS256, keys.PS256, ""},
		{"a key on P-256 is for ES256", p256, "", "", keys.ES256, ""},
		{"a key on P-384 is for ES384", p384, "", "", keys.ES384, ""},
		{"an Ed25519 key is for EdDSA", ed, "", keys.EdDSA, keys.EdDSA, ""},
		{"an RSA key that says otherwise than what is asked for", rsaKey, keys.RS256, keys.PS256, "", "the key says that it is for RS256: leave the algorithm out"},
		{"an EC key for RS256", p256, "", keys.RS256, "", "cannot sign RS256: leave the algorithm out, or set it to ES256"},
		{"an RSA key for an unknown algorithm", rsaKey, "", "HS256", "", "cannot sign HS256: leave the algorithm out, or set it to RS256 or PS256"},
		{"a key on P-521", ecKey(t, elliptic.P521()), "", "", "", "an EC key on P-521, which no algorithm supports"},
		{"a weak key", small, "", "", "", "an RSA key of 1024 bits is too small"},
		{"a weak key for an algorithm", small, "", keys.PS256, "", "an RSA key of 1024 bits is too small"},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, clk := &memory{}, newClock()
			m := newManager(t, st, clk)
			got, err := m.Import(t.Context(), by(), keys.Material{Private: c.private, Alg: c.named}, c.asked)
			if c.fault != "" {
				if err == nil || !strings.Contains(err.Error(), c.fault) || len(st.signing) != 0 {
					t.Errorf("%d keys, error = %v, want one that says %q", len(st.signing), err, c.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := keys.Imported{KID: got.KID, Alg: c.want, State: keys.Active, PublishedAt: clk.Now(), ActiveAt: clk.Now()}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("imported (-want +got): %s", diff)
			}
			load(t, m)
			if s := signerOf(t, m, c.want); s.KID != got.KID || !cmp.Equal(s.Key.Public(), c.private.Public()) || len(chain(st, c.want)) != 1 {
				t.Errorf("%s signs, and there are %d keys; want what was brought to an empty database", s.KID, len(st.signing))
			}
		})
	}
}

// brought imports a new ES256 key.
func brought(t *testing.T, m *keys.Manager) keys.Imported {
	t.Helper()
	imported, err := m.Import(t.Context(), by(), keys.Material{Private: ecKey(t, elliptic.P256())}, "")
	if err != nil {
		t.Fatal(err)
	}
	return imported
}

// turn is when a key begins to sign and when it is removed, from a moment on.
type turn struct {
	KID             string
	Active, Removed time.Duration
}

func turns(st *memory, from time.Time) []turn {
	var got []turn
	for kid := ""; ; {
		next := successorOf(st, kid)
		k := st.find(next)
		if k == nil {
			return got
		}
		tu := turn{KID: next, Active: k.ActiveAt.Sub(from)}
		if !k.RemovedAt.IsZero() {
			tu.Removed = k.RemovedAt.Sub(from)
		}
		got, kid = append(got, tu), next
	}
}

func TestAnImportedKeyIsTheNextToSign(t *testing.T) {
	const day, lag = 24 * time.Hour, 16 * time.Minute
	for _, c := range []struct {
		name    string
		pending bool
		after   time.Duration // since the active key signs
		want    func(first, pending, imported string) []turn
	}{
		{"after the one that signs, when its time is up", false, time.Hour, func(first, _, imported string) []turn {
			return []turn{{first, 0, day + lag}, {imported, day, 0}}
		}},
		{"before the one that was to be next, at the moment of that", true, time.Hour, func(first, pending, imported string) []turn {
			return []turn{{first, 0, day + lag}, {imported, day, 2*day + lag}, {pending, 2 * day, 0}}
		}},
		{"but not before every verifier has it", true, day - time.Minute, func(first, pending, imported string) []turn {
			at := day + 5*time.Minute
			return []turn{{first, 0, at + lag}, {imported, at, at + day + lag}, {pending, at + day, 0}}
		}},
		{"also without a successor, long after its time", false, 3 * day, func(first, _, imported string) []turn {
			at := 3*day + 6*time.Minute
			return []turn{{first, 0, at + lag}, {imported, at, 0}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, clk := &memory{}, newClock()
			m := newManager(t, st, clk)
			load(t, m)
			began := clk.Now()
			if c.pending {
				tick(t, m)
			}
			clk.advance(c.after)
			pending := successorOf(st, st.signing[0].KID)
			imported := brought(t, newManager(t, st, clk))
			want := c.want(st.signing[0].KID, pending, imported.KID)
			if diff := cmp.Diff(want, turns(st, began)); diff != "" {
				t.Errorf("turns (-want +got): %s", diff)
			}
			if imported.State != keys.Pending || !imported.PublishedAt.Equal(clk.Now()) || !imported.ActiveAt.Equal(began.Add(want[1].Active)) {
				t.Errorf("imported %+v", imported)
			}
			tick(t, m)
			if _, ok := m.Public(imported.KID); !ok {
				t.Error("a running server does not publish it")
			}
			clk.advance(imported.ActiveAt.Sub(clk.Now()))
			tick(t, m)
			if got := signerOf(t, m, keys.ES256).KID; got != imported.KID {
				t.Errorf("%s signs in its turn", got)
			}
			if len(statesAt(t, st, clk.Now())[keys.Pending]) != 1 {
				t.Error("no key is to follow it")
			}
		})
	}
}

// A second imported key signs before the first.
func TestTheKeyThatIsImportedLastIsNext(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	tick(t, m)
	began, planned := c.Now(), st.signing[1].KID
	one := brought(t, m)
	two := brought(t, m)
	const day, lag = 24 * time.Hour, 16 * time.Minute
	want := []turn{{st.signing[0].KID, 0, day + lag}, {two.KID, day, 2*day + lag}, {one.KID, 2 * day, 3*day + lag}, {planned, 3 * day, 0}}
	if diff := cmp.Diff(want, turns(st, began)); diff != "" {
		t.Errorf("turns (-want +got): %s", diff)
	}
	if _, err := m.Rotate(t.Context(), by()); err != nil {
		t.Fatal(err)
	}
	if got := st.find(two.KID).ActiveAt.Sub(began); got != timeline().Lead() {
		t.Errorf("after a rotation it signs in %v", got)
	}
}

// An administrator adds an algorithm and imports a key for it.
func TestAnImportedKeyGoesBeforeAFirstOneThatIsPending(t *testing.T) {
	st, c := &memory{}, newClock()
	load(t, newManager(t, st, c))
	m := newManager(t, st, c)
	m.Algorithms = []string{keys.ES256, keys.EdDSA}
	load(t, m)
	made := chain(st, keys.EdDSA)[0].KID
	began := c.Now()
	c.advance(2 * time.Minute)
	imported, err := m.Import(t.Context(), by(), keys.Material{Private: generate(t, keys.EdDSA)}, "")
	if err != nil {
		t.Fatal(err)
	}
	first, next := st.find(imported.KID), st.find(made)
	if first.Predecessor != "" || next.Predecessor != imported.KID {
		t.Errorf("it follows %q, and is followed by %q", first.Predecessor, successorOf(st, imported.KID))
	}
	if got, want := first.ActiveAt.Sub(began), 8*time.Minute; got != want {
		t.Errorf("it signs in %v, want %v", got, want)
	}
	if got := next.ActiveAt.Sub(first.ActiveAt); got != 24*time.Hour || !first.RetiredAt.Equal(next.ActiveAt) || first.RemovedAt.Sub(first.RetiredAt) != timeline().Lag() {
		t.Errorf("the other one follows after %v", got)
	}
	tick(t, m)
	if err := m.Ready(); err != nil {
		t.Error(err)
	}
	c.advance(6 * time.Minute)
	if got := signerOf(t, m, keys.EdDSA).KID; got != imported.KID {
		t.Errorf("%s signs first", got)
	}
	// A first key that already signs gets a successor.
	c.advance(time.Hour)
	if again, err := m.Import(t.Context(), by(), keys.Material{Private: generate(t, keys.EdDSA)}, ""); err != nil || st.find(again.KID).Predecessor != imported.KID {
		t.Errorf("a second one follows %q, %v", st.find(again.KID).Predecessor, err)
	}
}

func TestAKeyOfAnAlgorithmThatNoServerHasYetIsImported(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	imported, err := m.Import(t.Context(), by(), keys.Material{Private: generate(t, keys.EdDSA)}, "")
	if err != nil {
		t.Fatal(err)
	}
	if imported.State != keys.Pending || imported.ActiveAt.Sub(c.Now()) != timeline().Lead() {
		t.Errorf("imported %+v", imported)
	}
	c.advance(48 * time.Hour)
	tick(t, m)
	tick(t, m)
	if got := signerOf(t, m, keys.EdDSA).KID; got != imported.KID {
		t.Errorf("%s signs", got)
	}
	if n := len(chain(st, keys.EdDSA)); n != 1 {
		t.Errorf("%d keys of an algorithm that no server is to have, want the one that was brought", n)
	}
}

func TestImportsAreRefused(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	private := generate(t, keys.RS256)
	mine := keys.Material{Private: private}
	imported, err := m.Import(t.Context(), by(), mine, keys.RS256)
	if err != nil {
		t.Fatal(err)
	}
	before := len(st.signing)
	refused := func(name string, brought keys.Material, alg, want string) {
		t.Helper()
		_, err := m.Import(t.Context(), by(), brought, alg)
		if err == nil || !strings.Contains(err.Error(), want) || len(st.signing) != before {
			t.Errorf("%s: %d keys more, error %v; want one that says %q", name, len(st.signing)-before, err, want)
		}
	}
	pending := keys.Material{Private: ecKey(t, elliptic.P256())}
	if _, err := m.Import(t.Context(), by(), pending, ""); err != nil {
		t.Fatal(err)
	}
	before++
	refused("the one that is next", pending, "", "is here already")
	refused("one that is here", mine, "", "key "+imported.KID+" is here already")
	refused("one that is here, for another algorithm", mine, keys.PS256, "is here already")
	if _, err := m.Revoke(t.Context(), by(), imported.KID, "it leaked"); err != nil {
		t.Fatal(err)
	}
	before = len(st.signing)
	refused("one that was revoked", mine, "", "was revoked or removed")
	other := ecKey(t, elliptic.P256())
	withCertificate := func(change func(*x509.Certificate), key crypto.Signer) keys.Material {
		return keys.Material{Private: other, Certificates: []*x509.Certificate{(*authority)(nil).issue(t, "mine", key, change)}}
	}
	refused("one with another key's certificate", withCertificate(nil, ecKey(t, elliptic.P256())), "", "is of another key")
	refused("one whose certificate has expired", withCertificate(func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = newClock().Now().AddDate(0, -2, 0), newClock().Now().AddDate(0, -1, 0)
	}, other), "", "expired at 2026-02-01T12:00:00Z: renew it")
	st.down = true
	if _, err := m.Import(t.Context(), by(), keys.Material{Private: other}, ""); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error = %v, want ErrUnavailable", err)
	}
}

func TestAKeyIsImportedFromWhereItStays(t *testing.T) {
	st, c, k := &memory{}, newClock(), &token{}
	m := newManager(t, st, c)
	m.Source = k
	load(t, m)
	private := ecKey(t, elliptic.P256())
	uri := k.put(private)
	certificate := (*authority)(nil).issue(t, "mine", private, march)
	imported, err := m.ImportFrom(t.Context(), by(), uri, "", []*x509.Certificate{certificate})
	if err != nil {
		t.Fatal(err)
	}
	if imported.Certificates != 1 {
		t.Errorf("imported %+v", imported)
	}
	sealed := st.find(imported.KID).Sealed
	plain, err := m.Sealer.Open(sealed, store.SealedAs("signing_keys", imported.KID))
	if err != nil || string(plain) != uri {
		t.Errorf("the row holds %q, %v; want the URI alone", plain, err)
	}
	tick(t, m)
	c.advance(timeline().RotationInterval)
	if s := signerOf(t, m, keys.ES256); s.KID != imported.KID || !private.PublicKey.Equal(s.Key.Public()) {
		t.Errorf("%s signs with another key", s.KID)
	}
	if _, err := m.ImportFrom(t.Context(), by(), "file:/key", "", nil); err == nil || !strings.Contains(err.Error(), "begins with pkcs11:") {
		t.Errorf("error = %v, want one that says what a URI is", err)
	}
	if _, err := m.ImportFrom(t.Context(), by(), "pkcs11:object=99", "", nil); err == nil || !strings.Contains(err.Error(), "no such key") {
		t.Errorf("error = %v, want the source's", err)
	}
	m.Source = keys.Software{}
	if _, err := m.ImportFrom(t.Context(), by(), uri, "", nil); err == nil || !strings.Contains(err.Error(), "set pkcs11-module") {
		t.Errorf("error = %v, want one that names the setting", err)
	}
	// A server without the token names the key that it cannot use, and says why.
	fresh := newManager(t, st, c)
	if err := fresh.Load(t.Context()); err == nil || !strings.Contains(err.Error(), imported.KID) || !strings.Contains(err.Error(), "set pkcs11-module") {
		t.Errorf("error = %v, want one that names the key and the setting", err)
	}
}

// march makes a certificate that is valid on the days of these tests.
func march(c *x509.Certificate) {
	c.NotBefore, c.NotAfter = newClock().Now().AddDate(0, 0, -1), newClock().Now().AddDate(0, 0, 10)
}

func TestAKeyIsImportedOnce(t *testing.T) {
	private, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	m := newManager(t, &memory{}, newClock())
	load(t, m)
	if _, err := m.Import(t.Context(), by(), keys.Material{Private: private}, ""); err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{"pending", "active"} {
		if _, err := m.Import(t.Context(), by(), keys.Material{Private: private}, ""); err == nil || !strings.Contains(err.Error(), "is here already") {
			t.Errorf("a key that is %s is imported again: %v", state, err)
		}
		if _, err := m.RotateNow(t.Context(), by(), keys.ES256); err != nil {
			t.Fatal(err)
		}
	}
}
