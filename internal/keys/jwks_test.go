package keys_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"authserver/internal/keys"
)

func TestTheJWKSVerifiesWhatTheSignersSign(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	m.Algorithms = keys.Algorithms()
	load(t, m)
	set, err := jwk.Parse(m.JWKS().Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, alg := range m.Algorithms {
		s := signerOf(t, m, alg)
		headers := jws.NewHeaders()
		if err := headers.Set(jws.KeyIDKey, s.KID); err != nil {
			t.Fatal(err)
		}
		token, err := jws.Sign([]byte("a payload"), jws.WithKey(jwa.SignatureAlgorithm(s.Alg), s.Key, jws.WithProtectedHeaders(headers)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jws.Verify(token, jws.WithKeySet(set)); err != nil {
			t.Errorf("%s, by the JWKS: %v", alg, err)
		}
		p, ok := m.Public(s.KID)
		if !ok {
			t.Fatalf("%s: its own key is not published", alg)
		}
		if _, err := jws.Verify(token, jws.WithKey(jwa.SignatureAlgorithm(p.Alg), p.Key)); err != nil {
			t.Errorf("%s, by the public key: %v", alg, err)
		}
	}
}

func TestAJWKHasItsPublicMembersAlone(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	m.Algorithms = keys.Algorithms()
	load(t, m)
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(m.JWKS().Body, &set); err != nil {
		t.Fatal(err)
	}
	members := map[string][]string{ // RFC 7517 §4, RFC 7518 §6.2.1, §6.3.1, RFC 8037 §2
		"RSA": {"alg", "e", "kid", "kty", "n", "use"},
		"EC":  {"alg", "crv", "kid", "kty", "use", "x", "y"},
		"OKP": {"alg", "crv", "kid", "kty", "use", "x"},
	}
	kinds := make(map[string]string)
	for _, k := range set.Keys {
		kinds[k["alg"]] = strings.TrimSuffix(k["kty"]+" "+k["crv"], " ")
		var names []string
		for name := range k {
			names = append(names, name)
		}
		slices.Sort(names)
		if diff := cmp.Diff(members[k["kty"]], names); diff != "" {
			t.Errorf("members of a %s key (-want +got): %s", k["kty"], diff)
		}
		if k["use"] != "sig" {
			t.Errorf("use = %q, want sig", k["use"])
		}
		// RFC 7638 §3.2, RFC 8037 §2: the required members, in the order of their names.
		canonical := map[string]string{
			"RSA": fmt.Sprintf(`{"e":"%s","kty":"RSA","n":"%s"}`, k["e"], k["n"]),
			"EC":  fmt.Sprintf(`{"crv":"%s","kty":"EC","x":"%s","y":"%s"}`, k["crv"], k["x"], k["y"]),
			"OKP": fmt.Sprintf(`{"crv":"%s","kty":"OKP","x":"%s"}`, k["crv"], k["x"]),
		}[k["kty"]]
		sum := sha256.Sum256([]byte(canonical))
		if want := base64.RawURLEncoding.EncodeToString(sum[:]); k["kid"] != want {
			t.Errorf("kid = %s, want the thumbprint %s", k["kid"], want)
		}
	}
	want := map[string]string{"RS256": "RSA", "PS256": "RSA", "ES256": "EC P-256", "ES384": "EC P-384", "EdDSA": "OKP Ed25519"}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("kinds of key (-want +got): %s", diff)
	}
}

func TestTheETagChangesWithTheSetAndNotOtherwise(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	alone := m.JWKS()
	tick(t, m)
	both := m.JWKS()
	if both.ETag == alone.ETag {
		t.Error("the ETag did not change with a new key")
	}
	sum := sha256.Sum256(both.Body)
	if want := `"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `"`; both.ETag != want {
		t.Errorf("ETag = %s, want %s", both.ETag, want)
	}
	other := newManager(t, st, c)
	load(t, other)
	if diff := cmp.Diff(both, other.JWKS()); diff != "" {
		t.Errorf("another replica serves other bytes: %s", diff)
	}
	st.down = true
	before := both
	for _, step := range []struct {
		name  string
		after time.Duration
		same  bool // as in the step before
	}{
		{"a reading that fails", 0, true},
		{"the handover, which brings the key in use to the front", 24 * time.Hour, false},
		{"the last moment of the old key", 16*time.Minute - 1, true},
		{"the removal of the old key", 1, false},
	} {
		c.advance(step.after)
		_ = m.Tick(t.Context())
		now := m.JWKS()
		if same := now.ETag == before.ETag; same != step.same {
			t.Errorf("%s: the set is the same: %v, want %v", step.name, same, step.same)
		}
		before = now
	}
}

// Some readers use the first key of a set, whatever it is.
func TestTheKeyInUseOfRSAComesFirst(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	m.Algorithms = []string{keys.ES256, keys.EdDSA, keys.RSAOAEP256, keys.PS256, keys.ECDHES, keys.RS256}
	load(t, m)
	other := newManager(t, st, c) // as after a restart, with the algorithms in another order
	other.Algorithms = slices.Clone(m.Algorithms)
	slices.Reverse(other.Algorithms)
	order := func() []string {
		tick(t, m)
		load(t, other)
		if m.JWKS().ETag != other.JWKS().ETag {
			t.Error("another replica serves other bytes")
		}
		listed, err := m.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		state := make(map[string]keys.State)
		for _, k := range listed {
			state[k.KID] = k.State
		}
		var set struct{ Keys []struct{ KID, Alg string } }
		if err := json.Unmarshal(m.JWKS().Body, &set); err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, k := range set.Keys {
			found = append(found, k.Alg+" "+string(state[k.KID]))
		}
		return found
	}
	want := []string{
		"RS256 active", "PS256 active", "RS256 pending", "PS256 pending",
		"ES256 active", "EdDSA active", "ES256 pending", "EdDSA pending",
		"RSA-OAEP-256 active", "ECDH-ES active",
	}
	if diff := cmp.Diff(want, order()); diff != "" {
		t.Errorf("before the handover (-want +got): %s", diff)
	}
	c.advance(24 * time.Hour)
	want = []string{
		"RS256 active", "PS256 active", "RS256 pending", "PS256 pending", "RS256 retired", "PS256 retired",
		"ES256 active", "EdDSA active", "ES256 pending", "EdDSA pending", "ES256 retired", "EdDSA retired",
		"RSA-OAEP-256 active", "ECDH-ES active",
	}
	if diff := cmp.Diff(want, order()); diff != "" {
		t.Errorf("after it (-want +got): %s", diff)
	}
}

func TestServingTheJWKSCostsNothing(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	tick(t, m)
	if n := testing.AllocsPerRun(100, func() { m.JWKS() }); n != 0 {
		t.Errorf("%v allocations per JWKS, want 0", n)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = m.Signer(keys.ES256) }); n != 0 {
		t.Errorf("%v allocations per Signer, want 0", n)
	}
}
