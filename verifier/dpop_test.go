package verifier_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/testkit"
	"authserver/verifier"
)

// holder makes proofs with a key, each with a jti of its own.
type holder struct {
	i      *issuer
	key    *ecdsa.PrivateKey
	proofs int
}

// bound returns a token that is bound to the key.
func (h *holder) bound() string {
	h.i.t.Helper()
	return h.i.token(map[string]any{"cnf": map[string]any{"jkt": thumbprint(h.i.t, h.key)}})
}

// proof returns a proof for a token and a request, with some claims changed.
func (h *holder) proof(token string, change map[string]any) string {
	h.i.t.Helper()
	h.proofs++
	ath := sha256.Sum256([]byte(token))
	claims := map[string]any{
		"jti": named("proof", h.proofs), "htm": "GET", "htu": base + "/orders", "iat": h.i.clock().Unix(), "ath": base64.RawURLEncoding.EncodeToString(ath[:]),
	}
	maps.Copy(claims, change)
	return sign(h.i.t, "ES256", h.key, map[string]any{"typ": "dpop+jwt", "jwk": testkit.JWK(h.i.t, h.key.Public(), nil)}, claims)
}

// proving sends a token with proofs.
func proving(token string, proofs ...string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", "DPoP "+token)
		r.Header["Dpop"] = proofs
	}
}

// RFC 9449 §7: a token that is bound to a key, with a proof for this request.
func TestDPoP(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(func(o *verifier.Options) { o.BaseURL = base })
	owner, thief := &holder{i: i, key: testkit.P256(t)}, &holder{i: i, key: testkit.P256(t)}
	bound, free := owner.bound(), i.token(nil)
	with := func(by *holder, change map[string]any) func(*http.Request) {
		return proving(bound, by.proof(bound, change))
	}
	once := owner.proof(bound, nil)
	for _, test := range []struct {
		name   string
		send   func(*http.Request)
		status int
		want   string
	}{
		{"with a proof", proving(bound, once), 200, ""},
		{"with the same proof again", proving(bound, once), 401, `error="invalid_dpop_proof"`},
		{"as a bearer token: it was stolen", bearing(bound), 401, `error="invalid_token"`},
		{"without a proof", proving(bound), 401, `error="invalid_dpop_proof"`},
		{"with two proofs", proving(bound, owner.proof(bound, nil), owner.proof(bound, nil)), 401, `error="invalid_dpop_proof"`},
		{"with another key's proof", with(thief, nil), 401, `error="invalid_token"`},
		{"with a proof for another method", with(owner, map[string]any{"htm": "POST"}), 401, `error="invalid_dpop_proof"`},
		{"with a proof for another URL", with(owner, map[string]any{"htu": base + "/users"}), 401, `error="invalid_dpop_proof"`},
		{"with a proof for another token", with(owner, map[string]any{"ath": "x"}), 401, `error="invalid_dpop_proof"`},
		{"with a proof that is old", with(owner, map[string]any{"iat": i.clock().Add(-time.Hour).Unix()}), 401, `error="invalid_dpop_proof"`},
		{"a token that is bound to no key", proving(free, owner.proof(free, nil)), 401, `error="invalid_token"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := call(v, verifier.Requirements{}, test.send)
			if challenge := answer.Header().Get("WWW-Authenticate"); answer.Code != test.status || !strings.Contains(challenge, test.want) {
				t.Errorf("answered %d, %s, want %d, %s", answer.Code, challenge, test.status, test.want)
			}
		})
	}
}

// FAPI 2.0 §5.4.1: proofs may be limited to some algorithms, and the challenge names them (RFC 9449
// §7.1).
func TestTheAlgorithmsOfProofsCanBeLimited(t *testing.T) {
	i := newIssuer(t)
	owner := &holder{i: i, key: testkit.P256(t)}
	bound := owner.bound()
	for _, test := range []struct {
		only   []string
		status int
		algs   string
	}{
		{nil, http.StatusOK, `algs="RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA"`},
		{[]string{"PS256", "ES256", "EdDSA"}, http.StatusOK, `algs="PS256 ES256 EdDSA"`},
		{[]string{"EdDSA", "PS256"}, http.StatusUnauthorized, `algs="PS256 EdDSA"`},
	} {
		v := i.verifier(func(o *verifier.Options) { o.ProofAlgorithms = test.only })
		if answer := call(v, verifier.Requirements{}, proving(bound, owner.proof(bound, nil))); answer.Code != test.status {
			t.Errorf("%v: answered %d", test.only, answer.Code)
		}
		answer := call(v, verifier.Requirements{}, proving(bound, "x"))
		if challenge := answer.Header().Get("WWW-Authenticate"); !strings.Contains(challenge, test.algs) {
			t.Errorf("%v: the challenge is %s, want %s", test.only, challenge, test.algs)
		}
	}
	for _, alg := range []string{"none", "HS256", ""} {
		if _, err := verifier.New("https://as.example.com", base, verifier.Options{ProofAlgorithms: []string{alg}}); err == nil {
			t.Errorf("%q is taken", alg)
		}
	}
}

// When the memory of proofs is full, further proofs are refused. No proof is forgotten for a newer
// one, because it would be valid again.
func TestTheMemoryOfProofsIsBounded(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(func(o *verifier.Options) { o.BaseURL, o.MaxProofs = base, 6 }) // half of the places are for the next holders
	owner := &holder{i: i, key: testkit.P256(t)}
	bound := owner.bound()
	sent := func(proof string, want int) {
		t.Helper()
		answer := call(v, verifier.Requirements{}, proving(bound, proof))
		if answer.Code != want || want == http.StatusServiceUnavailable && answer.Header().Get("Retry-After") == "" {
			t.Errorf("answered %d, %v, want %d", answer.Code, answer.Header(), want)
		}
	}
	var taken []string
	for range 3 {
		taken = append(taken, owner.proof(bound, nil))
		sent(taken[len(taken)-1], http.StatusOK)
	}
	late := owner.proof(bound, nil)
	for range 100 {
		sent(owner.proof(bound, nil), http.StatusServiceUnavailable)
	}
	sent(late, http.StatusServiceUnavailable)
	for _, proof := range taken {
		sent(proof, http.StatusUnauthorized) // the verifier still remembers it
	}
	i.wait(3*time.Minute + time.Second) // the age of a proof, and twice the skew
	sent(owner.proof(bound, nil), http.StatusOK)
	for _, proof := range taken {
		sent(proof, http.StatusUnauthorized) // too old now
	}
}

// A client that floods with one token and its key is refused at some point, and other clients are
// not.
func TestOneHolderDoesNotLockOutTheOthers(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(func(o *verifier.Options) { o.MaxProofs = 100 })
	greedy := &holder{i: i, key: testkit.P256(t)}
	bound, refused := greedy.bound(), 0
	send := func(by *holder, token string) int {
		return call(v, verifier.Requirements{}, proving(token, by.proof(token, nil))).Code
	}
	for range 200 {
		if send(greedy, bound) == http.StatusServiceUnavailable {
			refused++
		}
	}
	if refused != 200-39 {
		t.Errorf("%d of 200 proofs were refused", refused)
	}
	for range 10 {
		other := &holder{i: i, key: testkit.P256(t)}
		if code := send(other, other.bound()); code != http.StatusOK {
			t.Errorf("another holder is answered %d", code)
		}
	}
}

// An invalid token, or a proof of another key, uses no memory.
func TestOnlyAClientWithATokenAndItsKeyFillsTheMemory(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(func(o *verifier.Options) { o.BaseURL, o.MaxProofs = base, 2 })
	owner, thief := &holder{i: i, key: testkit.P256(t)}, &holder{i: i, key: testkit.P256(t)}
	bound := owner.bound()
	for range 10 {
		for _, send := range []func(*http.Request){proving(bound, thief.proof(bound, nil)), proving(bound+"x", owner.proof(bound+"x", nil))} {
			if answer := call(v, verifier.Requirements{}, send); answer.Code != http.StatusUnauthorized {
				t.Errorf("answered %d", answer.Code)
			}
		}
	}
	if answer := call(v, verifier.Requirements{}, proving(bound, owner.proof(bound, nil))); answer.Code != http.StatusOK {
		t.Errorf("the owner is answered %d", answer.Code)
	}
}

func thumbprint(t testing.TB, key *ecdsa.PrivateKey) string {
	t.Helper()
	public, err := jwk.FromRaw(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	sum, err := public.Thumbprint(5) // crypto.SHA256
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}
