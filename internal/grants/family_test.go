package grants_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

// session is an honest client over a network that loses answers and repeats requests. It has only
// the last answer that it received.
type session struct {
	*world
	client  *store.Client
	held    grants.Answer // the last answer that arrived
	retired []string      // refresh tokens that were exchanged, in their order
	turned  time.Time     // when the last of them was exchanged
	access  []string      // every access token that was issued
}

// send presents a token. Two rules always hold: the answer is no fault of the server, and a retired
// token gets the answer of its first exchange.
func (s *session) send(rt *rapid.T, token string) (grants.Answer, error) {
	answer, err := s.refresh.Exchange(s.Context(), s.ask(s.client, "refresh_token", token))
	if e := (*oauth.Error)(nil); err != nil && (!errors.As(err, &e) || e.Code != oauth.InvalidGrant) {
		rt.Fatalf("presented a token and got %v", err)
	}
	if err == nil {
		s.access = append(s.access, answer.AccessToken)
	}
	return answer, err
}

// turn is a refresh by the honest client: it sends its refresh token, again while the answer is
// lost and the grace lasts, and then keeps the new one.
func (s *session) turn(rt *rapid.T) {
	token := s.held.RefreshToken
	first, err := s.send(rt, token)
	if err != nil {
		rt.Fatalf("logged out: %v", err)
	}
	s.retired, s.turned = append(s.retired, token), s.Now()
	s.held = first
	for left := grace; rapid.Bool().Draw(rt, "the answer is lost"); {
		pause := time.Duration(rapid.Int64Range(0, int64(left)).Draw(rt, "pause before the retry")).Truncate(time.Microsecond)
		left -= pause
		s.wait(pause)
		again, err := s.send(rt, token)
		if err != nil {
			rt.Fatalf("logged out by a retry within the grace: %v", err)
		}
		if again.RefreshToken != first.RefreshToken {
			rt.Fatal("a retry got another successor")
		}
	}
}

// echo is a copy of the last request that arrives late, before the client has used the answer.
func (s *session) echo(rt *rapid.T) {
	if len(s.retired) == 0 || s.Now().Sub(s.turned) > grace {
		return
	}
	answer, err := s.send(rt, s.retired[len(s.retired)-1])
	if err != nil || answer.RefreshToken != s.held.RefreshToken {
		rt.Fatalf("a copy within the grace got another answer (%v)", err)
	}
}

func newSession(rt *rapid.T, w *world) *session {
	s := &session{world: w, client: w.client("web")}
	answer, err := w.password.Exchange(w.Context(), w.ask(s.client, "username", "alice", "password", secret))
	if err != nil {
		rt.Fatal(err)
	}
	s.held, s.access = answer, []string{answer.AccessToken}
	return s
}

// Whatever requests are retried and repeated within the grace, the client that uses the last answer
// it received is never logged out. A replay after the grace ends the family, with its access
// tokens.
func TestFamilyOverTime(t *testing.T) {
	w := newWorld(t)
	w.change("web", func(c *store.Client) { c.Resources = []string{mail} }) // ES256 signs faster
	rapid.Check(t, func(rt *rapid.T) {
		s := newSession(rt, w)
		rt.Repeat(map[string]func(*rapid.T){
			"the client refreshes": s.turn,
			"a copy arrives late":  s.echo,
			"time passes": func(rt *rapid.T) {
				s.wait(time.Duration(rapid.Int64Range(0, int64(2*time.Minute)).Draw(rt, "how long")).Truncate(time.Microsecond))
			},
		})
		if len(s.retired) == 0 {
			return
		}
		replayed := rapid.SampledFrom(s.retired).Draw(rt, "replayed")
		if left := grace - s.Now().Sub(s.turned); left >= 0 {
			s.wait(left + time.Microsecond)
		}
		_, err := s.send(rt, replayed)
		if e := (*oauth.Error)(nil); !errors.As(err, &e) || e.Reason != "refresh_reused" {
			rt.Fatalf("a replay after the grace got %v", err)
		}
		for _, token := range append(s.retired, s.held.RefreshToken) {
			if _, err := s.send(rt, token); err == nil {
				rt.Fatal("a refresh token is good after a replay")
			}
		}
		for _, token := range s.access {
			if claims, err := w.accessVerifier().Verify(w.Now(), token); err == nil && !w.revoked(claims) {
				rt.Fatal("an access token is good after a replay")
			}
		}
	})
}

// A token that was exchanged long ago is a sign of theft, even while the latest exchange is within
// the grace.
func TestFamilyOldReplayWithinANewGrace(t *testing.T) {
	w := newWorld(t)
	first := w.login()
	second := w.mustRotate(first.RefreshToken)
	w.wait(time.Minute)
	third := w.mustRotate(second.RefreshToken)
	_, err := w.rotate("web", first.RefreshToken)
	refused(t, err, oauth.InvalidGrant, "refresh_reused")
	_, err = w.rotate("web", third.RefreshToken)
	refused(t, err, oauth.InvalidGrant, "refresh_revoked")
}
