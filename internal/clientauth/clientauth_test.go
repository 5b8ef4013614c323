package clientauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"authserver/internal/oauth"
	"authserver/internal/passwords"
	"authserver/internal/store"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clientStore has clients, and remembers which were read.
type clientStore struct {
	clients map[string]store.Client
	err     error
	asked   []string
}

func (r *clientStore) Client(_ context.Context, id string) (store.Client, error) {
	r.asked = append(r.asked, id)
	if r.err != nil {
		return store.Client{}, r.err
	}
	client, ok := r.clients[id]
	if !ok {
		return store.Client{}, store.ErrNotFound
	}
	return client, nil
}

func fast(secret string, expires time.Time) store.ClientSecret {
	sum := sha256.Sum256([]byte(secret))
	return store.ClientSecret{ID: secret, Kind: store.SecretSHA256, Hash: sum[:], ExpiresAt: store.At(expires)}
}

func slow(secret string, expires time.Time) store.ClientSecret {
	hash, err := bcrypt.GenerateFromPassword([]byte(secret), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return store.ClientSecret{ID: secret, Kind: store.SecretBcrypt, Hash: hash, ExpiresAt: store.At(expires)}
}

// Hashing takes long under the race detector, so all tests share the hashes.
var clients = sync.OnceValue(func() map[string]store.Client {
	never := time.Time{}
	both := []oauth.AuthMethod{oauth.AuthBasic, oauth.AuthPost}
	all := []store.Client{
		{ID: "web", AuthMethods: both, Secrets: []store.ClientSecret{fast("right", never)}},
		{ID: "slow", AuthMethods: both, Secrets: []store.ClientSecret{slow("brought by hand", never)}},
		{ID: "percent", AuthMethods: both, Secrets: []store.ClientSecret{fast("100%", never)}},
		{ID: "escaped", AuthMethods: both, Secrets: []store.ClientSecret{fast("a%20b", never)}},
		{ID: "plus", AuthMethods: both, Secrets: []store.ClientSecret{fast("a+b", never)}},
		{ID: "space", AuthMethods: both, Secrets: []store.ClientSecret{fast("a b", never)}},
		{ID: "colon", AuthMethods: both, Secrets: []store.ClientSecret{fast("a:b", never)}},
		{ID: "umlaut", AuthMethods: both, Secrets: []store.ClientSecret{fast("schlüssel", never)}},
		{ID: "https://app.example.com/", AuthMethods: both, Secrets: []store.ClientSecret{fast("right", never)}},
		{ID: "rotating", AuthMethods: both, Secrets: []store.ClientSecret{
			fast("old", noon.Add(time.Minute)), fast("new", never), fast("gone", noon), slow("gone too", noon.Add(-time.Minute)),
		}},
		{ID: "basic-only", AuthMethods: both[:1], Secrets: []store.ClientSecret{fast("right", never)}},
		{ID: "post-only", AuthMethods: both[1:], Secrets: []store.ClientSecret{fast("right", never)}},
		{ID: "no-secret", AuthMethods: both},
		{ID: "off", Disabled: true, AuthMethods: both, Secrets: []store.ClientSecret{fast("right", never)}},
		{ID: "app", AuthMethods: []oauth.AuthMethod{oauth.AuthNone}},
		{ID: "app-off", Disabled: true, AuthMethods: []oauth.AuthMethod{oauth.AuthNone}},
		{ID: "mixed", AuthMethods: append([]oauth.AuthMethod{oauth.AuthNone}, both...), Secrets: []store.ClientSecret{fast("right", never)}},
	}
	byID := make(map[string]store.Client, len(all))
	for _, c := range all {
		byID[c.ID] = c
	}
	return byID
})

func newClientStore() *clientStore { return &clientStore{clients: clients()} }

var hasher = sync.OnceValue(func() *passwords.Hasher {
	h, err := passwords.New(passwords.Options{Cost: passwords.MinCost, Workers: 2, Wait: time.Minute, Rand: rand.Reader})
	if err != nil {
		panic(err)
	}
	return h
})

var verified = sync.OnceValue(func() *passwords.VerifiedCache {
	c, err := passwords.NewVerifiedCache(hasher(), 100, rand.Reader)
	if err != nil {
		panic(err)
	}
	return c
})

func newAuthenticator(t testing.TB, clients store.Clients) *Authenticator {
	t.Helper()
	secrets := Secrets{Slow: verified()}
	a, err := New(clients, SecretBasic{Secrets: secrets}, SecretPost{Secrets: secrets}, None{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func authenticate(t testing.TB, a *Authenticator, r Request) (Result, error) {
	t.Helper()
	presented, err := a.Present(r)
	if err != nil {
		return Result{}, err
	}
	return a.Authenticate(t.Context(), presented)
}

func form(t testing.TB, body string) oauth.Form {
	t.Helper()
	f, err := oauth.ParseForm("application/x-www-form-urlencoded", body)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func basic(userinfo string) []string {
	return []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(userinfo))}
}

// encoded returns the header that RFC 6749 §2.3.1 requires.
func encoded(id, secret string) []string {
	return basic(url.QueryEscape(id) + ":" + url.QueryEscape(secret))
}

func post(id, secret string) string {
	return url.Values{"client_id": {id}, "client_secret": {secret}}.Encode()
}

func TestAuthenticate(t *testing.T) {
	const none, byBasic, byPost = oauth.AuthNone, oauth.AuthBasic, oauth.AuthPost
	tests := []struct {
		name   string
		header []string
		body   string
		client string
		method oauth.AuthMethod
	}{
		{"nothing is presented", nil, "grant_type=password", "", ""},
		{"an empty client_id counts as left out (RFC 6749 section 3.2)", nil, "client_id=", "", ""},

		{"Basic", basic("web:right"), "", "web", byBasic},
		{"Basic in lower case (RFC 9110 section 11.1)", []string{"basic d2ViOnJpZ2h0"}, "", "web", byBasic},
		{"Basic in capitals", []string{"BASIC d2ViOnJpZ2h0"}, "", "web", byBasic},
		{"two spaces behind the scheme", []string{"Basic  d2ViOnJpZ2h0"}, "", "web", byBasic},
		{"Basic, and client_id says the same", basic("web:right"), "client_id=web", "web", byBasic},
		{"Basic, and an empty client_secret counts as left out", basic("web:right"), "client_id=web&client_secret=", "web", byBasic},
		{"a secret that an administrator brought", basic("slow:brought by hand"), "", "slow", byBasic},
		{"post", nil, post("web", "right"), "web", byPost},
		{"post of a secret that an administrator brought", nil, post("slow", "brought by hand"), "slow", byPost},

		// RFC 6749 §2.3.1 and appendix B: both halves are form-urlencoded; many send them raw.
		{"a percent sign, encoded", encoded("percent", "100%"), "", "percent", byBasic},
		{"a percent sign, raw", basic("percent:100%"), "", "percent", byBasic},
		{"an escape that is part of the secret, encoded", encoded("escaped", "a%20b"), "", "escaped", byBasic},
		{"an escape that is part of the secret, raw", basic("escaped:a%20b"), "", "escaped", byBasic},
		{"a plus sign, encoded", encoded("plus", "a+b"), "", "plus", byBasic},
		{"a plus sign, raw", basic("plus:a+b"), "", "plus", byBasic},
		{"a space, encoded as a plus sign", encoded("space", "a b"), "", "space", byBasic},
		{"a space, encoded as %20", basic("space:a%20b"), "", "space", byBasic},
		{"a space, raw", basic("space:a b"), "", "space", byBasic},
		{"a colon in the secret, encoded", encoded("colon", "a:b"), "", "colon", byBasic},
		{"a colon in the secret, raw", basic("colon:a:b"), "", "colon", byBasic},
		{"beyond ASCII, encoded", encoded("umlaut", "schlüssel"), "", "umlaut", byBasic},
		{"beyond ASCII, raw UTF-8", basic("umlaut:schlüssel"), "", "umlaut", byBasic},
		{"an identifier with a colon, which has to be encoded", encoded("https://app.example.com/", "right"), "", "https://app.example.com/", byBasic},
		{"an encoded identifier and the same in the body", encoded("https://app.example.com/", "right"), "client_id=https://app.example.com/", "https://app.example.com/", byBasic},
		{"post takes a secret as it is", nil, post("escaped", "a%20b"), "escaped", byPost},

		{"while secrets overlap, the old one", basic("rotating:old"), "", "rotating", byBasic},
		{"while secrets overlap, the new one", nil, post("rotating", "new"), "rotating", byPost},

		{"a public client names itself (RFC 6749 section 3.2.1)", nil, "client_id=app", "app", none},
		{"a public client with an empty secret", nil, "client_id=app&client_secret=", "app", none},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := authenticate(t, newAuthenticator(t, newClientStore()), Request{Authorization: test.header, Form: form(t, test.body), Now: noon})
			if err != nil {
				t.Fatal(err)
			}
			id := ""
			if got.Client != nil {
				id = got.Client.ID
			}
			if id != test.client || got.Method != test.method {
				t.Errorf("authenticated %q by %q, want %q by %q", id, got.Method, test.client, test.method)
			}
		})
	}
}

func TestAuthenticateRefuses(t *testing.T) {
	tests := []struct {
		name   string
		header []string
		body   string
		code   oauth.Code
		reason string
	}{
		// RFC 6749 §2.3: MUST NOT use more than one method.
		{"Basic and a secret in the body", basic("web:right"), post("web", "right"), oauth.InvalidRequest, "client_auth_twice"},
		{"Basic and a secret in the body without an identifier", basic("web:right"), "client_secret=right", oauth.InvalidRequest, "client_auth_twice"},
		{"Basic and another client's secret in the body", basic("web:right"), post("plus", "a+b"), oauth.InvalidRequest, "client_auth_twice"},
		{"two Authorization headers", append(basic("web:right"), basic("web:right")...), "", oauth.InvalidRequest, "authorization_repeated"},
		{"Basic, and client_id is another", basic("web:right"), "client_id=plus", oauth.InvalidRequest, "client_id_differs"},
		{"Basic, and client_id differs in case", basic("web:right"), "client_id=Web", oauth.InvalidRequest, "client_id_differs"},
		{"a secret without an identifier", nil, "client_secret=right", oauth.InvalidRequest, "client_id_missing"},

		{"Bearer", []string{"Bearer d2ViOnJpZ2h0"}, "", oauth.InvalidClient, "authorization_scheme"},
		{"Bearer, and a public client's name", []string{"Bearer x"}, "client_id=app", oauth.InvalidClient, "authorization_scheme"},
		{"Digest", []string{"Digest username=web"}, "", oauth.InvalidClient, "authorization_scheme"},
		{"an empty Authorization header", []string{""}, "client_id=app", oauth.InvalidClient, "authorization_scheme"},
		{"a scheme that begins like Basic", []string{"Basics d2ViOnJpZ2h0"}, "", oauth.InvalidClient, "authorization_scheme"},
		{"Basic alone", []string{"Basic"}, "", oauth.InvalidClient, "basic_malformed"},
		{"Basic, and no base64", []string{"Basic web:right"}, "", oauth.InvalidClient, "basic_malformed"},
		{"Basic in base64url", []string{"Basic " + strings.Repeat("_", 8)}, "", oauth.InvalidClient, "basic_malformed"},
		{"Basic without a colon", basic("web"), "", oauth.InvalidClient, "basic_malformed"},
		{"NUL in it", basic("web:right\x00"), "", oauth.InvalidClient, "basic_malformed"},
		{"invalid UTF-8 in it", basic("web:\xff"), "", oauth.InvalidClient, "basic_malformed"},

		{"a client that is unknown", basic("unknown:right"), "", oauth.InvalidClient, "client_unknown"},
		{"no identifier", basic(":right"), "", oauth.InvalidClient, "client_unknown"},
		{"an identifier with NUL in an escape", basic("web%00:right"), "", oauth.InvalidClient, "client_unknown"},
		{"an identifier with invalid UTF-8 in an escape", basic("%ff:right"), "", oauth.InvalidClient, "client_unknown"},
		{"an identifier beyond ASCII", nil, post("wéb", "right"), oauth.InvalidClient, "client_unknown"},
		{"an identifier without end", nil, post(strings.Repeat("x", 60_000), "right"), oauth.InvalidClient, "client_unknown"},
		{"a client that is disabled", basic("off:right"), "", oauth.InvalidClient, "client_disabled"},
		{"a public client that is disabled", nil, "client_id=app-off", oauth.InvalidClient, "client_disabled"},
		{"a wrong secret", basic("web:wrong"), "", oauth.InvalidClient, "client_proof"},
		{"a wrong secret against bcrypt", basic("slow:wrong"), "", oauth.InvalidClient, "client_proof"},
		{"an empty secret", basic("web:"), "", oauth.InvalidClient, "client_proof"},
		{"an empty secret of a client that has none", basic("no-secret:"), "", oauth.InvalidClient, "client_proof"},
		{"a secret without end", nil, post("web", strings.Repeat("x", maxSecret+1)), oauth.InvalidClient, "client_proof"},
		{"the hash of the secret", basic("web:" + string(newClientStore().clients["slow"].Secrets[0].Hash)), "", oauth.InvalidClient, "client_proof"},
		{"another client's secret", basic("web:a+b"), "", oauth.InvalidClient, "client_proof"},
		{"a secret that has expired at this very moment", basic("rotating:gone"), "", oauth.InvalidClient, "client_proof"},
		{"a secret that expired a minute ago, against bcrypt", nil, post("rotating", "gone too"), oauth.InvalidClient, "client_proof"},
		{"post where it is registered for Basic", nil, post("basic-only", "right"), oauth.InvalidClient, "client_auth_method"},
		{"Basic where it is registered for post", basic("post-only:right"), "", oauth.InvalidClient, "client_auth_method"},
		{"a confidential client that only names itself", nil, "client_id=web", oauth.InvalidClient, "client_auth_method"},
		{"a public client that brings a secret", basic("app:right"), "", oauth.InvalidClient, "client_auth_method"},
		{"a client with a secret that only names itself, whatever it is registered for", nil, "client_id=mixed", oauth.InvalidClient, "client_proof"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := authenticate(t, newAuthenticator(t, newClientStore()), Request{Authorization: test.header, Form: form(t, test.body), Now: noon})
			var refused *oauth.Error
			if !errors.As(err, &refused) {
				t.Fatalf("Authenticate returned %v, want a refusal", err)
			}
			if refused.Code != test.code || refused.Reason != test.reason {
				t.Errorf("refused with %s (%s), want %s (%s)", refused.Code, refused.Reason, test.code, test.reason)
			}
			if got.Client != nil {
				t.Errorf("a refused request has the client %q", got.Client.ID)
			}
			if strings.Contains(err.Error(), "right") {
				t.Errorf("the error repeats the secret: %v", err)
			}
		})
	}
}

// An attacker who guesses must not learn which clients exist: the answer is the same to the byte
// for every fault.
func TestRefusalsTellNothingApart(t *testing.T) {
	told := make(map[string][]string)
	for name, r := range map[string]Request{
		"unknown":            {Authorization: basic("unknown:right")},
		"impossible":         {Authorization: basic("\u00e9:right")},
		"disabled":           {Authorization: basic("off:right")},
		"wrong secret":       {Authorization: basic("web:wrong")},
		"wrong slow secret":  {Authorization: basic("slow:wrong")},
		"no secret":          {Authorization: basic("no-secret:x")},
		"expired secret":     {Authorization: basic("rotating:gone")},
		"wrong method":       {Authorization: basic("post-only:right")},
		"public with secret": {Authorization: basic("app:right")},
		"named only":         {Form: form(t, "client_id=web")},
		"public, disabled":   {Form: form(t, "client_id=app-off")},
		"post, unknown":      {Form: form(t, post("unknown", "x"))},
	} {
		r.Now = noon
		_, err := authenticate(t, newAuthenticator(t, newClientStore()), r)
		var refused *oauth.Error
		if !errors.As(err, &refused) {
			t.Fatalf("%s: %v", name, err)
		}
		answer := string(refused.Code) + " " + refused.Description
		told[answer] = append(told[answer], name)
	}
	if len(told) != 1 {
		t.Errorf("the answers differ: %v", told)
	}
}

// A text that cannot be a client_id is not looked up: it would fill the cache's memory, and cause a
// fault in a database that refuses NUL.
func TestJunkIsNotLookedUp(t *testing.T) {
	known := newClientStore()
	a := newAuthenticator(t, known)
	for _, r := range []Request{
		{Authorization: basic(":x")},
		{Authorization: basic("%00%ff:x"), Now: noon},
		{Form: form(t, post(strings.Repeat("x", maxClientID+1), "x"))},
		{Form: form(t, "client_id=%0a")},
	} {
		if _, err := authenticate(t, a, r); err == nil {
			t.Error("accepted")
		}
	}
	if len(known.asked) > 1 || len(known.asked) == 1 && known.asked[0] != "%00%ff" {
		t.Errorf("looked up %q", known.asked)
	}
	known.asked = nil
	if _, err := authenticate(t, a, Request{Form: form(t, "client_id="+strings.Repeat("x", maxClientID))}); err == nil || len(known.asked) != 1 {
		t.Errorf("looked up %d names, want the one of 255 bytes", len(known.asked))
	}
}

// An outage of the database says nothing about the client (RFC 6749 §5.2 is about clients that
// failed).
func TestOutageIsNotInvalidClient(t *testing.T) {
	for name, r := range map[string]Request{
		"Basic": {Authorization: basic("web:right")}, "post": {Form: form(t, post("web", "right"))}, "none": {Form: form(t, "client_id=app")},
	} {
		_, err := authenticate(t, newAuthenticator(t, &clientStore{err: store.ErrUnavailable}), r)
		if refused := (*oauth.Error)(nil); errors.As(err, &refused) || !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v, want the outage", name, err)
		}
	}
}

type busy struct{}

func (busy) Knows([][]byte, []string) bool { return false }

func (busy) VerifyAny(context.Context, [][]byte, []string) (bool, error) {
	return false, passwords.ErrBusy
}

func TestBusyIsNotInvalidClient(t *testing.T) {
	a, err := New(newClientStore(), SecretBasic{Secrets{Slow: busy{}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = authenticate(t, a, Request{Authorization: basic("slow:brought by hand"), Now: noon})
	if refused := (*oauth.Error)(nil); errors.As(err, &refused) || !errors.Is(err, passwords.ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	// A secret that the server made needs no slow hash, whatever is in the queue.
	if got, err := authenticate(t, a, Request{Authorization: basic("web:right"), Now: noon}); err != nil || got.Client == nil {
		t.Errorf("got %v", err)
	}
}

func TestNewRefusesAMethodTwice(t *testing.T) {
	if _, err := New(newClientStore(), None{}, SecretBasic{}, None{}); err == nil {
		t.Error("a method stands twice")
	}
}

// The claimed client_id in the log is short, whatever the client sent.
func TestClaimedIsCut(t *testing.T) {
	got, err := authenticate(t, newAuthenticator(t, newClientStore()), Request{Form: form(t, post(strings.Repeat("x", 5000), "y"))})
	if err == nil || len(got.Claimed) != maxClientID || got.Method != oauth.AuthPost {
		t.Errorf("claimed %d bytes by %q, %v", len(got.Claimed), got.Method, err)
	}
}
