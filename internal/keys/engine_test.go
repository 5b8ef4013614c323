package keys_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
	"authserver/internal/store"
	"authserver/internal/store/sqlite"
)

func openEngine(t *testing.T, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if err := db.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

func engineManager(t *testing.T, db *sqlite.DB, c *clock) *keys.Manager {
	t.Helper()
	return &keys.Manager{
		Store: db, Server: t.Name() + newServer(), Actor: by().Actor, Sealer: openSealer(t, db), Timeline: timeline(), Algorithms: []string{keys.RS256, keys.ES256},
		Source: keys.Software{}, Now: c.Now, Logger: slog.New(slog.DiscardHandler),
	}
}

// Each replica has its own connections to one file, as separate processes have.
func TestReplicasOverOneDatabaseAgree(t *testing.T) {
	path, c := filepath.Join(t.TempDir(), "test.db"), newClock()
	managers := make([]*keys.Manager, 3)
	for i := range managers {
		managers[i] = engineManager(t, openEngine(t, path), c)
	}
	each := func(do func(m *keys.Manager) error) {
		t.Helper()
		var wg sync.WaitGroup
		for _, m := range managers {
			wg.Go(func() {
				if err := do(m); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	agree := func(states map[keys.State]int) {
		t.Helper()
		for _, m := range managers {
			if diff := cmp.Diff(managers[0].JWKS(), m.JWKS()); diff != "" {
				t.Errorf("replicas serve other bytes: %s", diff)
			}
			for _, alg := range m.Algorithms {
				if signerOf(t, m, alg).KID != signerOf(t, managers[0], alg).KID {
					t.Errorf("replicas sign %s with different keys", alg)
				}
			}
			list, err := m.List(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := map[keys.State]int{}
			for _, k := range list {
				got[k.State]++
			}
			if diff := cmp.Diff(states, got); diff != "" {
				t.Errorf("keys by state (-want +got): %s", diff)
			}
		}
	}
	step := func() {
		each(func(m *keys.Manager) error { return m.Tick(t.Context()) })
		each(func(m *keys.Manager) error { return m.Reload(t.Context()) })
	}
	each(func(m *keys.Manager) error { return m.Load(t.Context()) })
	agree(map[keys.State]int{keys.Active: 2})
	step()
	agree(map[keys.State]int{keys.Active: 2, keys.Pending: 2})
	each(func(m *keys.Manager) error { return m.FlushUse(t.Context()) })
	each(func(m *keys.Manager) error { _, err := m.Rotate(t.Context(), by()); return err })
	c.advance(timeline().Lead())
	step()
	agree(map[keys.State]int{keys.Retired: 2, keys.Active: 2, keys.Pending: 2})
	c.advance(timeline().Lag())
	step()
	agree(map[keys.State]int{keys.Active: 2, keys.Pending: 2})
}

// sealedKey returns the private key of a row, as PKCS #8. The signer of a key does not have to
// reveal it.
func sealedKey(t *testing.T, m *keys.Manager, kid string) []byte {
	t.Helper()
	plan, err := m.Store.KeyPlan(t.Context(), store.At(m.Now()))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range plan.Keys {
		if row.KID == kid {
			der, err := m.Sealer.Open(row.Sealed, store.SealedAs("signing_keys", kid))
			if err != nil {
				t.Fatal(err)
			}
			return der
		}
	}
	t.Fatalf("no key %s", kid)
	return nil
}

// An attacker with a copy of the database file finds no key in it.
func TestTheDatabaseFileShowsNoPrivateKey(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	db := openEngine(t, filepath.Join(dir, "test.db"))
	m := engineManager(t, db, c)
	load(t, m)
	tick(t, m)
	refresh := newRefreshKeys(t, db, m.Sealer, c)
	if err := refresh.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, refreshKey, _ := refresh.At(c.Now())
	secrets := map[string][]byte{
		"a refresh token key": refreshKey,
		"PEM":                 []byte("PRIVATE KEY"), "the JWK member d": []byte(`"d"`),
	}
	for range 2 { // the active keys, and then the pending ones
		for _, alg := range m.Algorithms {
			der := sealedKey(t, m, signerOf(t, m, alg).KID)
			private, err := x509.ParsePKCS8PrivateKey(der)
			if err != nil {
				t.Fatal(err)
			}
			secrets[alg+" as PKCS #8"] = der
			for _, n := range privateNumbers(t, private) {
				secrets[alg+" "+n.Text(62)] = n.Bytes()
			}
		}
		c.advance(timeline().RotationInterval)
	}
	var dump []byte
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files { // the write-ahead log too
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		dump = append(dump, b...)
	}
	if kid := signerOf(t, m, keys.ES256).KID; !bytes.Contains(dump, []byte(kid)) {
		t.Fatalf("the dump of %d bytes does not even have the kid", len(dump))
	}
	for name, secret := range secrets {
		for _, form := range [][]byte{
			secret, []byte(hex.EncodeToString(secret)), []byte(base64.StdEncoding.EncodeToString(secret)), []byte(base64.RawURLEncoding.EncodeToString(secret)),
		} {
			if bytes.Contains(dump, form) {
				t.Errorf("the database shows %s", name)
			}
		}
	}
}

// privateNumbers are the private members of a JWK (RFC 7518 §6.2.2, §6.3.2).
func privateNumbers(t *testing.T, key any) []*big.Int {
	t.Helper()
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return append([]*big.Int{k.D, k.Precomputed.Dp, k.Precomputed.Dq, k.Precomputed.Qinv}, k.Primes...)
	case *ecdsa.PrivateKey:
		b, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return []*big.Int{new(big.Int).SetBytes(b)}
	}
	t.Fatalf("a key of type %T", key)
	return nil
}
