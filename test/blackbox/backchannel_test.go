package blackbox

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"authserver/test/browser"
	"authserver/test/harness"
)

const appLoggedOut = "http://127.0.0.1:9/signed-out"

// toldApp is an app that gets logout tokens, and verifies them with another library than ours.
type toldApp struct {
	*httptest.Server
	mu       sync.Mutex
	ctx      context.Context
	verifier *oidc.IDTokenVerifier
	refuse   int               // the number of further tokens to refuse
	raw      []string          // every token that arrived
	sessions map[string]string // the subjects of the accepted tokens, by session
	faults   []string
}

func newToldApp(t *testing.T) *toldApp {
	t.Helper()
	a := &toldApp{sessions: map[string]string{}}
	a.Server = httptest.NewServer(http.HandlerFunc(a.told))
	t.Cleanup(a.Close)
	return a
}

func (a *toldApp) told(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	raw := r.PostFormValue("logout_token")
	a.raw = append(a.raw, raw)
	if a.refuse > 0 || a.verifier == nil { // it has no verifier yet
		a.refuse--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	token, err := a.verifier.VerifyLogout(a.ctx, raw)
	if err != nil || r.Method != http.MethodPost {
		a.faults = append(a.faults, r.Method+" "+raw)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a.sessions[token.SessionID] = token.Subject
}

// trust sets the issuer of the logout tokens that the app accepts.
func (a *toldApp) trust(ctx context.Context, p *oidc.Provider, refuse int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ctx, a.verifier, a.refuse = ctx, p.Verifier(&oidc.Config{ClientID: "web-app"}), refuse
}

// knows returns the subject of a session whose end the app knows.
func (a *toldApp) knows(t *testing.T, session string) string {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, fault := range a.faults {
		t.Errorf("the app does not take %s", fault)
	}
	a.faults = nil
	return a.sessions[session]
}

// decodedPart returns the header (0) or the claims (1) of a JWT.
func decodedPart(t *testing.T, jwt string, part int) map[string]any {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(jwt, ".")[part])
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]any{}
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	return members
}

// signedInBy signs alice in, and returns the ID token and its sid.
func signedInBy(t *testing.T, ctx context.Context, b *browser.Browser, app *oauth2.Config) (idToken, session string) {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	p := b.SignIn(b.Open(begin(t, app, "a state", oauth2.S256ChallengeOption(verifier))), "alice", alicePassword)
	token, err := app.Exchange(ctx, p.Sent(t, appCallback+"?code=").Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	idToken, _ = token.Extra("id_token").(string)
	session, _ = decodedPart(t, idToken, 1)["sid"].(string)
	if session == "" {
		t.Fatalf("the ID token has no sid: %s", idToken)
	}
	return idToken, session
}

type listedDelivery struct {
	State    string `json:"state"`
	ClientID string `json:"client_id"`
	Session  string `json:"session"`
	Attempts int    `json:"attempts"`
	Fault    string `json:"fault"`
}

// delivery returns the state of the delivery of a session.
func delivery(t *testing.T, d *harness.Deployment, session string) listedDelivery {
	t.Helper()
	var rows []listedDelivery
	if err := json.Unmarshal([]byte(d.Run("delivery", "list", "-o", "json")), &rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.Session == session {
			return row
		}
	}
	return listedDelivery{}
}

// expire makes a session look unused for a long time.
func expire(t *testing.T, d *harness.Deployment, session string) {
	t.Helper()
	id, err := hex.DecodeString(session)
	if err != nil {
		t.Fatal(err)
	}
	earlier := "created_at - interval '1 hour'"
	if d.Engine != "postgres" {
		earlier = "created_at - 3600000000"
	}
	statement := fmt.Sprintf("UPDATE sessions SET idle_expires_at = %s, sweep_at = %s WHERE id = %s", earlier, earlier, bytesLiteral(d.Engine, id))
	if _, err := openDatabase(t, d).ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// OpenID Connect Back-Channel Logout 1.0 §2: an app is notified of each end of a session, even if
// no server ran when it ended, or the app was down.
func TestAppsAreToldThatSessionsEnd(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		t.Parallel()
		one, two, app := signInSite(t, d)
		told := newToldApp(t)
		d.Run("client", "update", "web-app", "--scope", "openid", "--scope", "read", "--consent", "never",
			"--backchannel-logout-uri", told.URL+"/logout", "--post-logout-redirect-uri", appLoggedOut)
		provider := func(s *harness.Server) (context.Context, *oidc.Provider) {
			ctx := reach(t, s)
			p, err := oidc.NewProvider(ctx, "http://127.0.0.1:8080")
			if err != nil {
				t.Fatal(err)
			}
			app.Endpoint, app.Scopes = p.Endpoint(), []string{"openid", "read"}
			return ctx, p
		}
		ctx, _ := provider(one)
		_, session := signedInBy(t, ctx, browser.New(t, one.URL), app)
		_, expired := signedInBy(t, ctx, browser.New(t, one.URL), app)

		// One session is ended by a command, and one expires, while no server runs.
		one.Kill()
		two.Kill()
		expire(t, d, expired)
		d.Run("session", "revoke", session, "--yes")
		if got, want := delivery(t, d, session), (listedDelivery{State: "pending", ClientID: "web-app", Session: session}); got != want {
			t.Fatalf("the delivery is %+v, want %+v", got, want)
		}
		three := d.Start()
		ctx, p := provider(three)
		told.trust(ctx, p, 0)
		four := d.Start()
		subject := ""
		harness.Eventually(t, time.Minute, "the app is told of a session that ended while no server ran", func() bool {
			subject = told.knows(t, session)
			return subject != ""
		})
		harness.Eventually(t, time.Minute, "the app is told of a session that expired", func() bool { return told.knows(t, expired) == subject })
		var shown struct {
			Reason string `json:"end_reason"`
		}
		if err := json.Unmarshal([]byte(d.Run("session", "show", expired, "-o", "json")), &shown); err != nil || shown.Reason != "session_expired" {
			t.Errorf("the session ended for %+v, %v", shown, err)
		}
		harness.Eventually(t, time.Minute, "the delivery is listed as delivered", func() bool { return delivery(t, d, session).State == "delivered" })

		// A logout ends the session while the app is down at first: each attempt has a token of its
		// own.
		told.trust(ctx, p, 1)
		b := browser.New(t, four.URL)
		idToken, session := signedInBy(t, ctx, b, app)
		out := b.Open("/oauth2/logout?id_token_hint=" + idToken + "&post_logout_redirect_uri=" + appLoggedOut + "&state=x")
		if out.Left == nil || out.Left.String() != appLoggedOut+"?state=x" {
			t.Fatalf("the browser is at %v, sent to %v: %s", out.URL, out.Left, out.Body)
		}
		harness.Eventually(t, time.Minute, "the app is told again", func() bool { return told.knows(t, session) == subject })

		// This session ends with its user.
		_, session = signedInBy(t, ctx, browser.New(t, three.URL), app)
		d.Run("user", "update", "alice", "--disabled")
		harness.Eventually(t, time.Minute, "the app is told that the user is disabled", func() bool { return told.knows(t, session) == subject })

		told.mu.Lock()
		defer told.mu.Unlock()
		ids := map[any]bool{}
		for _, raw := range told.raw {
			header, claims := decodedPart(t, raw, 0), decodedPart(t, raw, 1)
			if header["typ"] != "logout+jwt" || claims["nonce"] != nil || ids[claims["jti"]] {
				t.Errorf("a logout token is %v %v", header, claims)
			}
			ids[claims["jti"]] = true
			if hint := browser.New(t, three.URL).Open("/oauth2/logout?id_token_hint=" + raw); hint.Status != http.StatusBadRequest {
				t.Errorf("a logout token is taken for an ID token: %d", hint.Status)
			}
		}
	})
}
