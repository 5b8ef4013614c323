package authorize

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"authserver/internal/jose"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const callback = "https://app.example.com/callback"

// onlyKey is the key for everything.
type onlyKey struct{}

func (onlyKey) At(time.Time) (id uint32, key []byte, ok bool) {
	return 1, bytes.Repeat([]byte{1}, 32), true
}
func (onlyKey) ByID(id uint32) (key []byte, ok bool) { return bytes.Repeat([]byte{1}, 32), id == 1 }

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// registration has two clients, and grants every request.
type registration struct{}

func (registration) Client(_ context.Context, id string) (store.Client, error) {
	client := store.Client{ID: id, Grants: []oauth.GrantType{oauth.AuthorizationCode}, RedirectURIs: []string{callback}}
	switch id {
	case "web":
		client.AuthMethods = []oauth.AuthMethod{oauth.AuthBasic}
	case "app":
		client.AuthMethods = []oauth.AuthMethod{oauth.AuthNone}
	default:
		return store.Client{}, store.ErrNotFound
	}
	return client, nil
}

func (registration) Grantable(_ context.Context, _ store.Client, asked oauth.Scope, resources []string) (oauth.Grantable, error) {
	return oauth.Grantable{Scope: asked, Resources: resources}, nil
}

// unsigned accepts the JSON of claims as a request object.
type unsigned struct{}

func (unsigned) Open(_ context.Context, _ time.Time, _ store.Client, object string) (map[string]any, error) {
	claims, err := jose.DecodeObject([]byte(object))
	if err != nil {
		return nil, refuseObject(err.Error())
	}
	return claims, nil
}

func newAuthorizer() *Authorizer {
	return &Authorizer{
		Issuer: "https://as.example.com", Clients: registration{}, Targets: registration{}, Prompts: []Prompt{LoginPrompt{}, StepUpPrompt{}, AccountPrompt{}, ConsentPrompt{}}, Objects: unsigned{},
		Envelope: NewEnvelope(tokens.Envelope{Keys: onlyKey{}, Rand: rand.Reader}),
		Pushed:   NewPushedEnvelope(tokens.Envelope{Keys: onlyKey{}, Rand: rand.Reader}), Rand: rand.Reader,
	}
}

// No request, in any spelling, sends the browser anywhere but to a redirect URI of its client, and
// none gets a page and an answer at once (RFC 6749 §10.15).
func FuzzAuthorizationQuery(f *testing.F) {
	good := "response_type=code&client_id=web&redirect_uri=" + url.QueryEscape(callback) + "&scope=openid&nonce=n&state=s"
	for _, seed := range []string{
		good, good + "&prompt=none", good + "&prompt=none+login", good + "&response_mode=fragment", good + "&response_mode=form_post",
		good + "&redirect_uri=https://evil.example", good + "&client_id=app", good + "&state=t", good + "&claims=%7B%22id_token%22%3A%7B%22acr%22%3Anull%7D%7D",
		good + "&max_age=0", good + "&code_challenge=x&code_challenge_method=S256", "client_id=web", "redirect_uri=" + callback, "%", "&&&=", "continue=x",
		strings.Replace(good, "callback", "callback%0d%0aSet-Cookie:a=b", 1), good + "&state=%0d%0aX", good + "&request=x", good + "&request_uri=x",
	} {
		f.Add(seed)
	}
	a := newAuthorizer()
	f.Fuzz(func(t *testing.T, query string) {
		flow, err := a.Begin(t.Context(), query, began)
		if err != nil {
			var refused *oauth.Error
			if !errors.As(err, &refused) {
				t.Fatalf("a fault: %v", err)
			}
			return
		}
		step, err := a.Step(t.Context(), flow, nil, began)
		if err != nil {
			t.Fatal(err)
		}
		if (step.Page == "") == (step.Answer == nil) {
			t.Fatalf("a page and an answer, or neither: %+v", step)
		}
		if flow.Destination() != callback || step.Answer != nil && step.Answer.RedirectURI != callback {
			t.Fatalf("the browser goes to %q", flow.Destination())
		}
		if step.Answer == nil {
			if flow.Request.asks("none") {
				t.Fatal("prompt=none shows a page")
			}
			return
		}
		if location := step.Answer.Location(); !strings.HasPrefix(location, callback+"?") && !strings.HasPrefix(location, callback+"#") || strings.ContainsAny(location, "\r\n \x00\"") {
			t.Fatalf("the browser goes to %q", location)
		}
	})
}

// No signed request object, with any claims, sends the browser anywhere but to a redirect URI of
// the client, and none is checked a second time.
func FuzzRequestObject(f *testing.F) {
	good := `"response_type":"code","redirect_uri":"` + callback + `","scope":"openid","nonce":"n","state":"s"`
	for _, seed := range []string{
		"{" + good + "}", "{" + good + `,"iss":"web","aud":"https://as.example.com","exp":1}`, "{" + good + `,"client_id":"app"}`, "{" + good + `,"client_id":"web"}`,
		"{" + good + `,"request":"x"}`, "{" + good + `,"request_uri":"x"}`, "{" + good + `,"max_age":3600,"resource":["https://a.example","https://b.example"]}`,
		"{" + good + `,"claims":{"id_token":{"acr":{"values":["1"],"essential":true}}}}`, `{"redirect_uri":["` + callback + `"]}`, `{"redirect_uri":"https://evil.example/"}`,
		`{"scope":null,"prompt":true,"state":{"a":[1]}}`, `{"client_secret":"s","state":"\u0000"}`, "{}", "[]", "x", `{"state":"` + strings.Repeat("s", MaxRequest) + `"}`,
	} {
		f.Add(seed)
	}
	a := newAuthorizer()
	f.Fuzz(func(t *testing.T, object string) {
		query := url.Values{"client_id": {"web"}, "redirect_uri": {"https://evil.example/"}, "state": {"outer"}, "request": {object}}
		flow, err := a.Begin(t.Context(), query.Encode(), began)
		if err != nil {
			var refused *oauth.Error
			if !errors.As(err, &refused) {
				t.Fatalf("a fault: %v", err)
			}
			return
		}
		if flow.Destination() != callback || flow.Client.ID != "web" || flow.Request.State == "outer" && !strings.Contains(object, "outer") {
			t.Fatalf("the browser of %q goes to %q", flow.Client.ID, flow.Destination())
		}
		if c := flow.Continuation; !c.Signed || strings.Contains(c.Request, "evil") && !strings.Contains(object, "evil") || strings.Contains(c.Request, "request=") && !strings.Contains(object, "request=") {
			t.Fatalf("it goes on with %+v", c)
		}
	})
}

// Only what this server sealed is continued.
func FuzzContinuation(f *testing.F) {
	a := newAuthorizer()
	a.Envelope.Rand = zeros{} // all fuzzing processes seal with the same random bytes
	known := map[string]bool{}
	for _, c := range []Continuation{{}, {Request: "client_id=web", Began: began}, {Request: strings.Repeat("r", MaxRequest), Username: "alice", Fault: "wrong"}} {
		sealed, err := a.Seal(began, c)
		if err != nil {
			f.Fatal(err)
		}
		known[sealed] = true
		f.Add(sealed)
		f.Add(sealed[:len(sealed)-1])
		f.Add(strings.ToUpper(sealed))
	}
	f.Add("")
	f.Fuzz(func(t *testing.T, sealed string) {
		if _, err := a.open(sealed); err == nil && !known[sealed] {
			t.Errorf("%q goes on", sealed)
		}
	})
}

func TestContinuation(t *testing.T) {
	a := newAuthorizer()
	want := Continuation{
		Request: "client_id=web", Began: began, LoginAfter: began.Add(time.Second), Chosen: "01", User: "u", Shown: "s", Username: "alice", Fault: "wrong",
		Pushed: store.Use{Issuer: store.PushedUses, ID: [32]byte{1}, ExpiresAt: began},
	}
	sealed, err := a.Seal(began, want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := a.open(sealed); err != nil || got != want {
		t.Errorf("opened %+v, %v", got, err)
	}
	if strings.Contains(sealed, "alice") {
		t.Error("it can be read")
	}
	// The largest request fits, with any content, and nothing larger does.
	largest := want
	largest.Request, largest.Username = strings.Repeat("%", MaxRequest), strings.Repeat("é", store.MaxNameLength/2)
	if sealed, err := a.Seal(began, largest); err != nil || len(sealed) > MaxContinuation {
		t.Errorf("the largest request: %d bytes, %v", len(sealed), err)
	}
	largest.Request = strings.Repeat("%", MaxContinuation)
	if _, err := a.Seal(began, largest); err == nil {
		t.Error("what is too large is sealed")
	}
	// A code or another envelope of this server is not a continuation.
	other := *a.Envelope
	other.Purpose = "something else"
	foreign, err := other.Seal(began, []byte(`{"q":"client_id=web"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Resume(t.Context(), foreign, began); err == nil {
		t.Error("what was sealed for another purpose goes on")
	}
}

// RFC 7636, RFC 9700 §2.1.1.
func TestChallengeIsRequired(t *testing.T) {
	public := store.Client{AuthMethods: []oauth.AuthMethod{oauth.AuthNone}, PKCEOptional: true}
	confidential := store.Client{AuthMethods: []oauth.AuthMethod{oauth.AuthBasic}}
	legacy, fapi := confidential, confidential
	legacy.PKCEOptional, fapi.Profile = true, store.ProfileFAPI2
	openID := Request{ResponseType: "code", Scope: oauth.Scope{"openid"}, Nonce: "n"}
	bare, noNonce := openID, openID
	bare.Scope, noNonce.Nonce = nil, ""
	challenged := bare
	challenged.Challenge = strings.Repeat("c", 43)
	for _, test := range []struct {
		name    string
		client  store.Client
		request Request
		good    bool
	}{
		{"a public client with a challenge", public, challenged, true},
		{"a public client with a nonce", public, openID, false},
		{"a public client with neither", public, bare, false},
		{"a confidential client with a nonce", confidential, openID, true},
		{"a confidential client with openid and no nonce", confidential, noNonce, false},
		{"a confidential client with neither", confidential, bare, false},
		{"a confidential client with a challenge", confidential, challenged, true},
		{"a confidential client from before PKCE", legacy, bare, true},
		{"a client of FAPI 2.0 with a nonce", fapi, openID, false},
		{"a client of FAPI 2.0 with a challenge", fapi, challenged, true},
	} {
		if err := requireChallenge(test.client, test.request); (err == nil) != test.good {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// The parameters of the answer are added to a redirect URI, and nothing of it is lost (RFC 6749
// §4.1.2).
func TestLocation(t *testing.T) {
	fields := []Field{{"code", "c"}, {"state", "a&b=c#d\r\n"}}
	const encoded = "code=c&state=a%26b%3Dc%23d%0D%0A"
	for uri, want := range map[string]string{
		"https://app.example.com/cb":     "https://app.example.com/cb?" + encoded,
		"https://app.example.com/cb?":    "https://app.example.com/cb?" + encoded,
		"https://app.example.com/cb?a=b": "https://app.example.com/cb?a=b&" + encoded,
		"https://app.example.com/?a=b&":  "https://app.example.com/?a=b&" + encoded,
		"com.example.app:/cb":            "com.example.app:/cb?" + encoded,
	} {
		if got := (Answer{uri, ModeQuery, fields}).Location(); got != want {
			t.Errorf("%s: %s", uri, got)
		}
	}
	if got := (Answer{callback, ModeFragment, fields}).Location(); got != callback+"#"+encoded {
		t.Errorf("by fragment: %s", got)
	}
}

// Of several parameters that are too long, the error names the same one each time.
func TestTheFirstLongParameterIsNamed(t *testing.T) {
	long := strings.Repeat("x", maxState+1)
	query, err := oauth.ParseQuery("dpop_jkt=" + long + "&ui_locales=" + long + "&acr_values=" + long + "&nonce=" + long)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := new(Request).readPlain(query); err == nil || !strings.Contains(err.Error(), "nonce") {
			t.Fatal(err)
		}
	}
}

// OpenID Connect Core §5.5.
func TestClaims(t *testing.T) {
	for text, good := range map[string]bool{
		`{}`:                                true,
		`{"userinfo":null,"id_token":null}`: true,
		`{"userinfo":{"given_name":{"essential":true},"picture":null},"id_token":{"auth_time":{"essential":true},"acr":{"values":["1"]}}}`: true,
		`{"id_token":{"acr":{"essential":true,"values":["1","2"],"value":"3"},"sub":{"value":"u"}},"other":1}`:                             true,
		``:                                 false,
		`[]`:                               false,
		`{"id_token":[]}`:                  false,
		`{"id_token":{"acr":true}}`:        false,
		`{"userinfo":{"x":"y"}}`:           false,
		`{"id_token":{},"id_token":{}}`:    false,
		`{"id_token":{}} more`:             false,
		strings.Repeat(`{"id_token":`, 40): false,
	} {
		if _, err := parseClaims(text); (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
	claims, err := parseClaims(`{"id_token":{"acr":{"essential":true,"values":["1","2"],"value":"3"},"sub":{"value":"u"},"auth_time":{"essential":true}},"userinfo":{"sub":{"value":"v"}}}`)
	if err != nil || claims.Subject != "u" || !claims.Essential || !claims.AuthTime || strings.Join(claims.ACR, " ") != "1 2 3" ||
		strings.Join(claims.IDToken, " ") != "acr auth_time sub" || strings.Join(claims.Userinfo, " ") != "sub" {
		t.Errorf("%+v, %v", claims, err)
	}
}

func FuzzClaims(f *testing.F) {
	for _, seed := range []string{`{}`, `{"id_token":{"acr":{"essential":true,"values":["1"]}}}`, `{"userinfo":null}`, `{"id_token":{"sub":{"value":1}}}`, `[`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		claims, err := parseClaims(text)
		if err != nil {
			return
		}
		for _, names := range [][]string{claims.IDToken, claims.Userinfo} {
			if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) < len(names) {
				t.Errorf("%q asks for %q", text, names)
			}
		}
	})
}
