package handlers

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"authserver/internal/authorize"
	"authserver/internal/grants"
	"authserver/internal/logins"
	"authserver/internal/oauth"
	"authserver/internal/pages"
	"authserver/internal/passwords"
	"authserver/internal/sessions"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/tokens"
	"authserver/internal/web"
)

const (
	appCallback = "https://app.example.com/callback?tenant=1"
	spaCallback = "http://127.0.0.1:8090/callback"
	codeLife    = time.Minute
	sessionIdle = time.Hour
	sessionMost = 24 * time.Hour
)

// signIn is what a person signs in by, over plain http: httptest has no other.
func (s *site) signIn(targets *grants.Targets, codec *tokens.RefreshCodec, hasher *passwords.Hasher, revoker *tokens.Revoker) *SignIn {
	s.Helper()
	book, err := pages.Open("", "")
	s.ok(err)
	written, err := web.NewPages(book, issuer)
	s.ok(err)
	return &SignIn{
		Authorizer: &authorize.Authorizer{
			Issuer: issuer, Clients: s.db, Targets: targets, Consents: s.db, Families: s.db,
			Prompts: []authorize.Prompt{authorize.Login{Linger: 10 * time.Minute}, authorize.StepUp{}, authorize.Account{}, authorize.Consent{}},
			Codes:   &tokens.CodeCodec{Keys: codec.Keys}, Envelope: authorize.NewEnvelope(tokens.Envelope{Keys: codec.Keys, Rand: rand.Reader}),
			CodeTTL: codeLife, MaxTTL: maxTTL, Rand: rand.Reader,
		},
		Sessions: &sessions.Sessions{
			Store: s.db, Ender: revoker, Seen: &sessions.Seen{Store: s.db}, Idle: sessionIdle, Most: sessionMost, Rand: rand.Reader,
		},
		Password: logins.Password{Users: s.db, Verifier: hasher}, Pages: written, Limit: 10 * time.Second, Now: s.clock,
	}
}

// people registers two apps and a second person.
func (s *site) people() {
	s.Helper()
	ctx, at := s.Context(), store.At(began.Add(-time.Hour))
	sum := sha256.Sum256([]byte(secret))
	for _, c := range []store.Client{
		{ID: "web-app", Name: "The Web App", RedirectURIs: []string{appCallback}, Scopes: oauth.Scope{"openid", "profile", "read", "write", "offline_access"}},
		{ID: "spa", RedirectURIs: []string{spaCallback}, AuthMethods: []oauth.AuthMethod{oauth.AuthNone}, Scopes: oauth.Scope{"openid", "read"}},
		{ID: "second", RedirectURIs: []string{"https://second.example.com/cb"}, Consent: store.ConsentNever, PKCEOptional: true, Scopes: oauth.Scope{"openid", "read"}},
		{ID: "careful", RedirectURIs: []string{"https://careful.example.com/cb"}, Consent: store.ConsentAlways, Scopes: oauth.Scope{"openid", "read"}},
	} {
		if c.AuthMethods == nil {
			c.AuthMethods = []oauth.AuthMethod{oauth.AuthBasic, oauth.AuthPost}
			c.Secrets = []store.ClientSecret{{ID: "1", Kind: store.SecretSHA256, Hash: sum[:], CreatedAt: at}}
		}
		c.Grants, c.Resources = []oauth.GrantType{oauth.AuthorizationCode, oauth.RefreshToken}, []string{apiID}
		c.RefreshIdle, c.RefreshMax, c.CreatedAt, c.UpdatedAt = time.Hour, 24*time.Hour, at, at
		s.ok(s.db.CreateClient(ctx, c, storetest.By()))
	}
	hash, err := s.hash(ctx, "the password of bob")
	s.ok(err)
	s.ok(s.db.CreateUser(ctx, store.User{ID: "0199a6f4-0000-7000-8000-000000000002", Username: "bob", PasswordHash: hash, CreatedAt: at, UpdatedAt: at}, storetest.By()))
}

// browser is a person's: it keeps cookies and follows redirects, but for those that leave
// the server.
type browser struct {
	testing.TB
	base   string
	client *http.Client
	header map[string]string // sent along
}

// page is what a browser shows, or where it was sent outside of the server.
type page struct {
	status int
	header http.Header
	url    *url.URL // of the page
	left   *url.URL // where the browser was sent; nil: it is still here
	hops   []string // the paths that it went through
	body   string
	ids    map[string]string // values, by id
	action string            // of the form
	fields url.Values        // hidden ones
}

func (s *site) browser(base string) *browser {
	s.Helper()
	jar, err := cookiejar.New(nil)
	s.ok(err)
	return &browser{TB: s.TB, base: base, client: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, header: map[string]string{"Sec-Fetch-Site": "same-origin"}}
}

// open opens a path of the server.
func (b *browser) open(path string) page {
	b.Helper()
	return b.follow(http.MethodGet, b.base+path, "")
}

// send sends the form of a page.
func (b *browser) send(p page, fields ...string) page {
	b.Helper()
	form := url.Values{}
	for name, values := range p.fields {
		form[name] = values
	}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	if p.action == "" {
		b.Fatalf("the page has no form: %d %s %s", p.status, p.url, p.body)
	}
	return b.follow(http.MethodPost, b.base+p.action, form.Encode())
}

// signIn fills in the login page.
func (b *browser) signIn(p page, username, password string) page {
	b.Helper()
	if _, is := p.ids["password"]; !is {
		b.Fatalf("this is no login page: %d %v %s", p.status, p.url, p.body)
	}
	return b.send(p, "username", username, "password", password)
}

func (b *browser) approve(p page) page {
	b.Helper()
	if _, is := p.ids["approve"]; !is {
		b.Fatalf("this is no consent page: %d %v %v %s", p.status, p.url, p.left, p.body)
	}
	return b.send(p, "decision", "approve")
}

func (b *browser) follow(method, address, body string) page {
	b.Helper()
	var hops []string
	for range 10 {
		request, err := http.NewRequestWithContext(b.Context(), method, address, strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		if method == http.MethodPost {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		for name, value := range b.header {
			request.Header.Set(name, value)
		}
		hops = append(hops, request.URL.Path)
		p := b.once(request)
		p.hops = hops
		location := p.header.Get("Location")
		if location == "" {
			return p
		}
		if p.status != http.StatusSeeOther {
			b.Errorf("%s %s redirects with %d", method, request.URL.Path, p.status)
		}
		next, err := request.URL.Parse(location)
		if err != nil {
			b.Fatal(err)
		}
		if !strings.HasPrefix(next.String(), b.base) {
			p.left = next
			return p
		}
		method, address, body = http.MethodGet, next.String(), ""
	}
	b.Fatalf("it redirects for ever: %v", hops)
	return page{}
}

func (b *browser) once(request *http.Request) page {
	b.Helper()
	a := visitor{TB: b.TB, client: b.client}.send(request)
	p := page{status: a.status, header: a.header, url: request.URL, body: a.body, ids: map[string]string{}, fields: url.Values{}}
	root, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		b.Fatal(err)
	}
	p.read(root)
	return p
}

// read takes what a test looks at out of a page.
func (p *page) read(n *html.Node) {
	attributes := map[string]string{}
	for _, a := range n.Attr {
		attributes[a.Key] = a.Val
	}
	if id, is := attributes["id"]; is {
		p.ids[id] = attributes["value"]
	}
	switch {
	case n.Data == "form" && p.action == "":
		p.action = attributes["action"]
	case n.Data == "input" && attributes["type"] == "hidden":
		p.fields.Set(attributes["name"], attributes["value"])
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		p.read(c)
	}
}

// verifier is that of PKCE, and challenge belongs to it (RFC 7636 appendix B).
const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

func challenge() string {
	hash := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(hash[:])
}

// authorization is the path of a good request with changes: name, value; an empty value takes
// the parameter away.
func authorization(client string, changes ...string) string {
	callback := map[string]string{
		"web-app": appCallback, "spa": spaCallback, "second": "https://second.example.com/cb", "careful": "https://careful.example.com/cb",
	}[client]
	query := url.Values{
		"response_type": {"code"}, "client_id": {client}, "redirect_uri": {callback}, "state": {"the state"}, "scope": {"openid read"},
		"code_challenge": {challenge()}, "code_challenge_method": {"S256"}, "nonce": {"the nonce"},
	}
	for i := 0; i < len(changes); i += 2 {
		query.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			query.Del(changes[i])
		}
	}
	return AuthorizePath + "?" + query.Encode()
}
