package demo

import (
	"crypto/subtle"
	"encoding/base64"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// cookieName differs from that of the server, because both are at one host.
const cookieName = "demo"

// visit is the app's state of a browser.
type visit struct {
	mu       sync.Mutex
	since    time.Time
	attempts []attempt // the newest last
	signedIn *signedIn // nil: the person is not signed in
	// The result of the last form, for the next page only.
	notice string
	fault  string
}

// attempt is a sign-in under way.
type attempt struct {
	state    string // ties the answer to this browser (RFC 6749 §10.12)
	nonce    string // ties the ID token to this attempt (OpenID Connect Core 1.0 §3.1.2.1)
	verifier string // ties the code to this app (RFC 7636 §4.1)
	redirect string
	request  string // the address to which the browser was sent
}

// signedIn has the tokens and claims of the person.
type signedIn struct {
	id       token
	access   token
	refresh  string
	userinfo []claim
	steps    []step // the messages of the sign-in
}

// visitOf finds the visit of a browser; nil: it is new. The caller unlocks it.
func (d *Demo) visitOf(r *http.Request) *visit {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	v, found := d.visits.Get(cookie.Value)
	if !found {
		return nil
	}
	v.mu.Lock()
	if d.Now().Sub(v.since) > visitTTL {
		v.mu.Unlock()
		d.visits.Remove(cookie.Value)
		return nil
	}
	return v
}

// remember gives the browser a cookie with a new secret, and forgets the old one: a secret that an
// attacker planted becomes invalid at the sign-in (session fixation).
func (d *Demo) remember(w http.ResponseWriter, r *http.Request, v *visit) error {
	secret, err := d.secret()
	if err != nil {
		return err
	}
	if old, err := r.Cookie(cookieName); err == nil {
		d.visits.Remove(old.Value)
	}
	v.since = d.Now()
	d.visits.Add(secret, v)
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // the app is served over plain http, at a loopback address alone
		Name: cookieName, Value: secret, Path: Path, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	return nil
}

// begin remembers an attempt, and forgets the oldest if there are too many.
func (v *visit) begin(a attempt) {
	v.attempts = append(v.attempts, a)
	v.attempts = v.attempts[max(0, len(v.attempts)-maxAttempts):]
}

// take returns the attempt of an answer, and forgets it.
func (v *visit) take(state string) (attempt, bool) {
	i := slices.IndexFunc(v.attempts, func(a attempt) bool { return subtle.ConstantTimeCompare([]byte(a.state), []byte(state)) == 1 })
	if i < 0 {
		return attempt{}, false
	}
	found := v.attempts[i]
	v.attempts = slices.Delete(v.attempts, i, i+1)
	return found, true
}

// secret is a value of 256 random bits.
func (d *Demo) secret() (string, error) {
	random := make([]byte, 32)
	if _, err := io.ReadFull(d.Rand, random); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(random), nil
}
