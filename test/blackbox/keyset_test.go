package blackbox

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"authserver/test/harness"
)

// usualAlgs are the algorithms that always have keys, and everyAlg those for which a resource can
// be registered. Each has a key that signs and a next one, so a fresh key set has two for each.
var (
	usualAlgs = []string{"RS256", "ES256"}
	everyAlg  = []string{"RS256", "ES256", "PS256", "ES384", "EdDSA"}
)

const (
	freshKeys = 4
	everyKey  = 10
)

// prepared is how long a server may take until the next keys exist, on a machine that runs other
// tests at the same time.
const prepared = 20 * time.Second

// apis is a deployment with a resource for each of some algorithms, and a client
// that may ask for all of them.
type apis struct {
	*fixture
	client harness.Credentials
}

// apiOf returns the resource whose tokens are signed with an algorithm.
func apiOf(alg string) string { return "https://" + strings.ToLower(alg) + ".api.example.com" }

func registerAPIs(t *testing.T, d *harness.Deployment, algs ...string) *apis {
	t.Helper()
	d.Run("migrate", "up")
	a := &apis{fixture: &fixture{Deployment: d}}
	args := []string{"--grant", "client_credentials", "--scope", "read"}
	for _, alg := range algs {
		d.Run("resource", "create", "--id", apiOf(alg), "--scope", "read", "--signing-alg", alg)
		args = append(args, "--resource", apiOf(alg))
	}
	a.client = a.fixture.client("apis", args...)
	return a
}

// token returns an access token that is signed with the algorithm and verifies with the key set.
func (a *apis) token(t *testing.T, s *harness.Server, alg string) string {
	t.Helper()
	token := s.MustToken(t, a.client, clientCredentials("resource", apiOf(alg))).Text("access_token")
	s.Verify(t, token, apiOf(alg))
	var header struct{ Alg, Kid string }
	if err := json.Unmarshal(decodePart(t, token, 0), &header); err != nil || header.Alg != alg {
		t.Fatalf("the token for %s is signed with %q (%v)", apiOf(alg), header.Alg, err)
	}
	return token
}

// signs returns the kid with which a server signs.
func (a *apis) signs(t *testing.T, s *harness.Server, alg string) string {
	t.Helper()
	return kidOf(t, a.token(t, s, alg))
}

// shortLead is how long a key is published before it signs in a deployment of [seconds].
const shortLead = 5 * time.Second

// seconds sets a short timeline: verifiers keep a key set for a second, and all clocks are the
// same. A change of the keys has half of the poll interval to be committed, also on a machine that
// runs other tests at the same time.
func seconds(d *harness.Deployment) {
	d.Set("JWKS_MAX_AGE", "1s")
	d.Set("KEY_POLL_INTERVAL", "4s")
	d.Set("CLOCK_SKEW", "0s")
}

// listedKey is a line of `authserver key list -o json`.
type listedKey struct {
	KID          string     `json:"kid"`
	Alg          string     `json:"alg"`
	State        string     `json:"state"`
	PublishedAt  *time.Time `json:"published_at"`
	ActiveAt     *time.Time `json:"active_at"`
	RetiredAt    *time.Time `json:"retired_at"`
	RemovedAt    *time.Time `json:"removed_at"`
	Certificates int        `json:"certificates"`
}

func listKeys(t *testing.T, d *harness.Deployment) []listedKey {
	t.Helper()
	var listed []listedKey
	if err := json.Unmarshal([]byte(d.Run("key", "list", "-o", "json")), &listed); err != nil {
		t.Fatal(err)
	}
	return listed
}

// inState returns the first key of an algorithm that is in a state.
func inState(t *testing.T, d *harness.Deployment, alg, state string) (listedKey, bool) {
	t.Helper()
	for _, k := range listKeys(t, d) {
		if k.Alg == alg && k.State == state {
			return k, true
		}
	}
	return listedKey{}, false
}

func mustBeInState(t *testing.T, d *harness.Deployment, alg, state string) listedKey {
	t.Helper()
	k, ok := inState(t, d, alg, state)
	if !ok {
		t.Fatalf("no %s key is %s:\n%s", alg, state, d.Run("key", "list"))
	}
	return k
}

// event is a line of `authserver key plan -o json`.
type event struct {
	At    time.Time `json:"at"`
	KID   string    `json:"kid"`
	Alg   string    `json:"alg"`
	Event string    `json:"event"`
}

func planOf(t *testing.T, out string) []event {
	t.Helper()
	var events []event
	if err := json.Unmarshal([]byte(out), &events); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	return events
}

// waitForSet waits until all servers publish the same set, with that number of keys.
func waitForSet(t *testing.T, want int, servers ...*harness.Server) []string {
	t.Helper()
	var set []string
	harness.Eventually(t, prepared, "the next keys are prepared", func() bool {
		set = kids(t, servers[0])
		return len(set) == want && !slices.ContainsFunc(servers[1:], func(s *harness.Server) bool { return !slices.Equal(kids(t, s), set) })
	})
	return set
}
