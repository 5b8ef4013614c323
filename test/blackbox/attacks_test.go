package blackbox

import (
	"net/http"
	"strings"
	"testing"

	"authserver/test/harness"
)

// verdict is the result of an attack. Every endpoint has its own reason for it in the log.
type verdict string

const (
	malformed    verdict = "it cannot be read"
	refused      verdict = "it is read and not believed"
	algOfSecrets verdict = "its alg is one of shared secrets"
	algOfKeys    verdict = "its alg is none of shared secrets"
	encrypted    verdict = "it is encrypted"
	unknown      verdict = "its iss is not registered"
)

// attack is an assertion that must be refused.
type attack struct {
	name      string
	verdict   verdict
	why       string // in the log; "": it differs between the endpoints
	assertion string
}

// This is one table of attacks, from RFC 8725 section 2 and what RFC 7515, RFC 7519 and RFC 7523
// forbid in addition. Every endpoint that accepts an assertion is attacked: as a grant (RFC 7523
// section 2.1) and as client authentication (section 2.2), with private keys and with shared
// secrets.
func TestAttacksOnAssertions(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		l := newLure(t)
		d.Set("FETCH_CA_FILE", f.File("lure-ca.pem", certificatePEM(l.Certificate().Raw)))
		d.Set("FETCH_ALLOW_HOST", "127.0.0.1")
		all := doors(t, f, l)
		replicas := []*harness.Server{f.Start(), f.Start()}
		untouched := l.reached(t, f, replicas[0])
		for _, door := range all {
			t.Run(door.name, func(t *testing.T) {
				for name, assertion := range door.harmless(t, l) {
					if answer := door.ask(t, replicas[0], assertion); answer.Status != http.StatusOK {
						t.Errorf("%s is refused: %d %s", name, answer.Status, answer.Raw)
					}
				}
				table := door.attacks(t, l)
				if len(table) < 130 {
					t.Errorf("only %d attacks", len(table))
				}
				for _, a := range table {
					t.Run(a.name, func(t *testing.T) { door.refuses(t, replicas[0], a) })
				}
				door.goodOnce(t, replicas)
				if answer := door.ask(t, replicas[0], door.signed(t, nil)); answer.Status != http.StatusOK {
					t.Errorf("after all this a good one is refused: %d %s", answer.Status, answer.Raw)
				}
			})
		}
		if got := l.visits(); got != untouched {
			t.Errorf("where an assertion points the server went: %s, want %s", got, untouched)
		}
	})
}

// attacks returns the attacks that fit the endpoint.
func (d *door) attacks(t *testing.T, l *lure) []attack {
	t.Helper()
	all := d.algAttacks(t)
	all = append(all, d.keyAttacks(t, l)...)
	if d.secret == nil {
		all = append(all, d.nameAttacks(t, l)...)
		all = append(all, d.curveAttacks(t)...)
	}
	all = append(all, d.claimAttacks(t, l)...)
	all = append(all, d.jsonAttacks(t)...)
	all = append(all, d.headerAttacks(t)...)
	return append(all, d.wireAttacks(t, l)...)
}

// refuses presents an attack: the answer is the endpoint's for this kind of fault, and the log line
// of the request says what was wrong.
func (d *door) refuses(t *testing.T, s *harness.Server, a attack) {
	t.Helper()
	answer := d.ask(t, s, a.assertion)
	wantError(t, answer, d.status, d.code)
	reason := d.reasons[a.verdict]
	wantLog(t, s, answer.Header.Get("X-Request-Id"), `"error_code":"`+d.code+`"`, `"reason":"`+reason+`"`, a.why)
	d.tellsLittle(t, answer, reason)
	for part := range strings.SplitSeq(a.assertion, ".") {
		if len(part) > 20 && strings.Contains(s.Logs(), part) {
			t.Errorf("the log holds a part of the assertion: %s", part)
		}
	}
}

// tellsLittle checks that an answer has only the texts of its endpoint, and nothing of the request
// or of the log.
func (d *door) tellsLittle(t *testing.T, answer harness.Answer, reason string) {
	t.Helper()
	for _, secret := range []string{marker, strings.ToLower(marker), reason, "evil", d.sub} {
		if strings.Contains(string(answer.Raw), secret) {
			t.Errorf("the answer holds %q: %s", secret, answer.Raw)
		}
	}
	switch description := answer.Text("error_description"); {
	case d.code == "invalid_grant": // RFC 7521 §4.1.1: the reason, in our own words
		if !strings.HasPrefix(description, "the assertion is not accepted: ") {
			t.Errorf("the answer says %q", description)
		}
	case reason == d.reasons[malformed]:
		if !strings.HasPrefix(description, "client_assertion is malformed: ") {
			t.Errorf("the answer says %q", description)
		}
	case description != failedClient: // an attacker who guesses learns nothing
		t.Errorf("the answer says %q, want %q", description, failedClient)
	}
}

// failedClient is the only answer to a client that fails to authenticate.
const failedClient = "client authentication failed: the client is unknown, its secret, assertion or certificate is wrong, expired or was used before, " +
	"or it is not registered for this way to authenticate"

// goodOnce replays assertions at two servers at the same moment (RFC 7523 section 3, item 7; RFC
// 7519 section 4.1.7).
func (d *door) goodOnce(t *testing.T, replicas []*harness.Server) {
	withJTI, without := d.signed(t, nil), d.signed(t, claims{"jti": nil})
	cases := map[string][]string{
		"one assertion":               {withJTI},
		"one assertion without a jti": {without},
		"two assertions with one jti": {d.signed(t, claims{"jti": "the same"}), d.signed(t, claims{"jti": "the same"})},
	}
	if d.secret == nil {
		again := d.signed(t, claims{"jti": nil})
		cases["an assertion with two signatures that are good"] = []string{again, mirrored(t, again)}
	}
	for name, assertions := range cases {
		t.Run("replayed: "+name, func(t *testing.T) {
			const askers = 16
			answers := atOnce(askers, func(i int) harness.Answer {
				return d.ask(t, replicas[i%2], assertions[i/2%len(assertions)])
			})
			good := 0
			for i, answer := range answers {
				if answer.Status == http.StatusOK {
					good++
					continue
				}
				wantError(t, answer, d.status, d.code)
				d.tellsLittle(t, answer, d.replayed)
				wantLog(t, replicas[i%2], answer.Header.Get("X-Request-Id"), `"reason":"`+d.replayed+`"`, "it was used before")
			}
			if good != 1 {
				t.Errorf("%d of %d requests got a token, want one", good, askers)
			}
		})
	}
}
