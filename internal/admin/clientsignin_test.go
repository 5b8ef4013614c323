package admin_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/admin"
	"authserver/internal/oauth"
)

// Each refusal says what is wrong and what to do about it.
func TestRedirectURIsThatAreRefused(t *testing.T) {
	o := newOffice(t)
	for uri, words := range map[string][]string{
		"https://app.example.com/cb#fragment":                  {"fragment", "leave out"},
		"https://app.example.com/cb#":                          {"fragment", "leave out"},
		"http://app.example.com/cb":                            {"http", "use https"},
		"http://127.0.0.1.evil.example/cb":                     {"use https"},
		"http://localhost.example/cb":                          {"use https"},
		"http://10.0.0.1/cb":                                   {"use https"},
		"https://*.example.com/cb":                             {"wildcard", "register each"},
		"https://app.example.com/*":                            {"wildcard", "register each"},
		"https://app.example.com:*/cb":                         {"wildcard"},
		"/callback":                                            {"relative", "whole URI"},
		"app.example.com/callback":                             {"relative", "whole URI"},
		"//app.example.com/callback":                           {"relative", "whole URI"},
		"https:///callback":                                    {"no host"},
		"https://:443/callback":                                {"no host"},
		"https:callback":                                       {"slash"},
		"https://app.example.com@evil.example/cb":              {"user name"},
		"https://user:pw@app.example.com/cb":                   {"user name"},
		"https://app.example.com/a/../cb":                      {"dot segment"},
		"https://app.example.com/a/%2e%2E/cb":                  {"dot segment"},
		"https://app.example.com\\@evil.example/cb":            {"percent-encode"},
		"https://app.example.com/a b":                          {"percent-encode"},
		"https://app.example.com/cb\r\nSet-Cookie:":            {"percent-encode"},
		"https://äpp.example.com/cb":                           {"xn--"},
		"https://app.example.com:port/cb":                      {"not a URI"},
		"https://app.example.com/%zz":                          {"not a URI"},
		"https://app.example.com/cb?state=1":                   {"state", "rename"},
		"https://app.example.com/cb?a=b&code=1":                {"code", "rename"},
		"myapp:/callback":                                      {"com.example.app:/callback", "dot", "RFC 8252"},
		"myapp://callback":                                     {"dot"},
		"javascript:alert(1)":                                  {"slash"},
		"javascript://app.example.com/%0aalert(1)":             {"dot"},
		"data:text/html,x":                                     {"slash"},
		"com.example.app:callback":                             {"slash"},
		"ftp://app.example.com/cb":                             {"dot"},
		"":                                                     {"empty"},
		"https://app.example.com/" + strings.Repeat("x", 2048): {"longer than 2048"},
	} {
		for field, input := range map[string]admin.ClientSignInInput{
			"redirect_uris[0]":             {RedirectURIs: []string{uri}},
			"post_logout_redirect_uris[0]": {RedirectURIs: []string{"https://app.example.com/"}, PostLogoutRedirectURIs: []string{uri}},
		} {
			_, _, err := o.Clients.Create(t.Context(), by, admin.NewClient{ClientInput: admin.ClientInput{
				Grants: []oauth.GrantType{oauth.AuthorizationCode}, ClientSignInInput: input,
			}})
			wantFaults(t, err, append(words, field)...)
		}
	}
}

func TestRedirectURIsThatAreTaken(t *testing.T) {
	o := newOffice(t)
	uris := []string{
		"https://app.example.com/callback", "https://app.example.com", "https://APP.example.com:8443/cb?tenant=a%26b", "https://xn--pp-wia.example.com/",
		"https://[2001:db8::1]/cb", "http://127.0.0.1/cb", "http://127.0.0.1:8090/cb", "http://[::1]:1/cb", "http://localhost:3000/cb",
		"com.example.app:/callback", "com.example.app://callback/x", "https://app.example.com/...",
	}
	c := o.client(admin.NewClient{ClientInput: admin.ClientInput{
		Grants: []oauth.GrantType{oauth.AuthorizationCode}, ClientSignInInput: admin.ClientSignInInput{RedirectURIs: append(uris, uris[0]), PostLogoutRedirectURIs: uris},
	}})
	if diff := cmp.Diff([][]string{uris, uris}, [][]string{c.RedirectURIs, c.PostLogoutRedirectURIs}); diff != "" {
		t.Error(diff)
	}
}

// signIn returns a client to which people sign in.
func signIn(change func(*admin.ClientInput)) admin.ClientInput {
	in := admin.ClientInput{Grants: []oauth.GrantType{oauth.AuthorizationCode}, ClientSignInInput: admin.ClientSignInInput{
		RedirectURIs: []string{"https://app.example.com/cb"},
	}}
	if change != nil {
		change(&in)
	}
	return in
}

func TestWhatASignInCannotHaveIsRefusedByBothDoors(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*admin.ClientInput)
		words  []string
	}{
		"a code without a redirect URI": {func(in *admin.ClientInput) { in.RedirectURIs = []string{} }, []string{"redirect_uris", "callback"}},
		"an id_token without a redirect URI": {func(in *admin.ClientInput) {
			in.Grants, in.RedirectURIs, in.ResponseTypes = []oauth.GrantType{}, []string{}, []string{"id_token"}
		}, []string{"redirect_uris"}},
		"a code without its grant":          {func(in *admin.ClientInput) { in.Grants, in.ResponseTypes = []oauth.GrantType{}, []string{"code token"} }, []string{"response_types", "authorization_code", "grants"}},
		"a response type that there is not": {func(in *admin.ClientInput) { in.ResponseTypes = []string{"code code"} }, []string{"response_types[0]", "id_token token"}},
		"PKCE that a public client may leave out": {func(in *admin.ClientInput) {
			in.AuthMethods, in.PKCE = []oauth.AuthMethod{oauth.AuthNone}, ptr("optional")
		}, []string{"pkce", "RFC 9700"}},
		"PKCE that there is not":           {func(in *admin.ClientInput) { in.PKCE = ptr("plain") }, []string{"pkce", "required, optional"}},
		"a consent that there is not":      {func(in *admin.ClientInput) { in.Consent = ptr("sometimes") }, []string{"consent", "always, once, never"}},
		"a logout page elsewhere":          {func(in *admin.ClientInput) { in.FrontchannelLogoutURI = ptr("https://other.example.com/out") }, []string{"frontchannel_logout_uri", "redirect_uris"}},
		"a logout page of another port":    {func(in *admin.ClientInput) { in.FrontchannelLogoutURI = ptr("https://app.example.com:8443/out") }, []string{"frontchannel_logout_uri"}},
		"logout tokens in the clear":       {func(in *admin.ClientInput) { in.BackchannelLogoutURI = ptr("http://app.example.com/out") }, []string{"backchannel_logout_uri", "https"}},
		"a login page of an app":           {func(in *admin.ClientInput) { in.InitiateLoginURI = ptr("com.example.app:/login") }, []string{"initiate_login_uri", "https"}},
		"a policy that is a script":        {func(in *admin.ClientInput) { in.PolicyURI = ptr("javascript:alert(1)") }, []string{"policy_uri"}},
		"terms that are relative":          {func(in *admin.ClientInput) { in.TermsURI = ptr("/terms") }, []string{"tos_uri", "relative"}},
		"a logo that is a page":            {func(in *admin.ClientInput) { in.LogoURI = ptr("data:text/html;base64,PGI+") }, []string{"logo_uri", "image/png"}},
		"a logo without end":               {func(in *admin.ClientInput) { in.LogoURI = ptr("data:image/png;base64," + strings.Repeat("A", 16<<10)) }, []string{"logo_uri", "smaller"}},
		"an ID token that is not signed":   {func(in *admin.ClientInput) { in.IDTokenAlg = ptr("none") }, []string{"id_token_signed_response_alg", "RS256"}},
		"a subject type that there is not": {func(in *admin.ClientInput) { in.SubjectType = ptr("private") }, []string{"subject_type", "pairwise"}},
		"pairwise over hosts": {func(in *admin.ClientInput) {
			in.SubjectType, in.RedirectURIs = ptr("pairwise"), []string{"https://a.example/", "https://b.example/"}
		}, []string{"subject_type", "sector_identifier_uri"}},
		"a sign-in that is too old before it is": {func(in *admin.ClientInput) { in.DefaultMaxAge = ptr(-time.Second) }, []string{"default_max_age_seconds"}},
		"signed requests without a key":          {func(in *admin.ClientInput) { in.RequireSignedRequestObject = ptr(true) }, []string{"require_signed_request_object", "jwks"}},
		"session management of an app that has no page": {func(in *admin.ClientInput) {
			in.RedirectURIs, in.SessionManagement = []string{"com.example.app:/cb"}, ptr(true)
		}, []string{"session_management", "redirect_uris", "https"}},
		"an implicit answer to a client of FAPI 2": {func(in *admin.ClientInput) { in.Profile, in.ResponseTypes = ptr("fapi2"), []string{"id_token"} }, []string{"profile", "response_types"}},
		"a token of the browser that is bound": {func(in *admin.ClientInput) {
			in.DPoPBound, in.ResponseTypes = ptr(true), []string{"code", "id_token token"}
		}, []string{"response_types", "cannot be bound"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			_, _, created := o.Clients.Create(t.Context(), by, admin.NewClient{ClientInput: signIn(test.change)})
			wantFaults(t, created, test.words...)
			c := o.client(admin.NewClient{ClientInput: signIn(nil)})
			_, _, updated := o.Clients.Update(t.Context(), by, c.ClientID, signIn(test.change))
			wantFaults(t, updated, test.words...)
		})
	}
}

func TestASignInIsRegisteredAndTakenAway(t *testing.T) {
	o := newOffice(t)
	full := signIn(func(in *admin.ClientInput) {
		in.AuthMethods, in.JWKSURI = []oauth.AuthMethod{oauth.AuthPrivateKeyJWT}, ptr("https://app.example.com/keys")
		in.ResponseTypes = []string{"id_token code", "code"}
		in.PKCE, in.Consent, in.SubjectType, in.IDTokenAlg, in.UserinfoAlg = ptr("optional"), ptr("never"), ptr("pairwise"), ptr("ES256"), ptr("RS256")
		in.SectorIdentifierURI, in.BackchannelLogoutURI = ptr("https://example.com/sector.json"), ptr("https://app.example.com/logout")
		in.FrontchannelLogoutURI, in.InitiateLoginURI = ptr("https://APP.example.com:443/out"), ptr("https://app.example.com/login")
		in.LogoURI, in.PolicyURI, in.TermsURI = ptr("data:image/png;base64,AAAA"), ptr("https://example.com/privacy"), ptr("https://example.com/terms")
		in.DefaultMaxAge, in.RequireSignedRequestObject, in.SessionManagement = ptr(time.Hour), ptr(true), ptr(true)
		in.IDTokenScopeClaims = ptr(true)
	})
	o.documents["https://example.com/sector.json"] = `["https://app.example.com/cb"]`
	c := o.client(admin.NewClient{ClientInput: full})
	want := admin.ClientSignIn{
		RedirectURIs: []string{"https://app.example.com/cb"}, ResponseTypes: []string{"code id_token", "code"}, PKCE: "optional", Consent: "never",
		BackchannelLogoutURI: "https://app.example.com/logout", FrontchannelLogoutURI: "https://APP.example.com:443/out", IDTokenAlg: "ES256", UserinfoAlg: "RS256",
		SubjectType: "pairwise", SectorIdentifierURI: "https://example.com/sector.json", LogoURI: "data:image/png;base64,AAAA", PolicyURI: "https://example.com/privacy",
		TermsURI: "https://example.com/terms", InitiateLoginURI: "https://app.example.com/login", DefaultMaxAge: 3600, RequireSignedRequestObject: true, SessionManagement: true,
		IDTokenScopeClaims: true,
	}
	if diff := cmp.Diff(want, c.ClientSignIn); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	updated, _, err := o.Clients.Update(t.Context(), by, c.ClientID, admin.ClientInput{ClientSignInInput: admin.ClientSignInInput{
		ResponseTypes: []string{}, PKCE: ptr("required"), Consent: ptr("once"), SubjectType: ptr("public"), IDTokenAlg: ptr(""), UserinfoAlg: ptr(""),
		SectorIdentifierURI: ptr(""), BackchannelLogoutURI: ptr(""), FrontchannelLogoutURI: ptr(""), InitiateLoginURI: ptr(""), LogoURI: ptr(""), PolicyURI: ptr(""),
		TermsURI: ptr(""), DefaultMaxAge: ptr(time.Duration(0)), RequireSignedRequestObject: ptr(false), SessionManagement: ptr(false),
		IDTokenScopeClaims: ptr(false),
	}})
	o.must(err)
	bare := admin.ClientSignIn{RedirectURIs: want.RedirectURIs, ResponseTypes: []string{"code"}, PKCE: "required", Consent: "once", IDTokenAlg: "RS256", SubjectType: "public"}
	if diff := cmp.Diff(bare, updated.ClientSignIn); diff != "" {
		t.Errorf("taken away (-want +got)\n%s", diff)
	}
	machine := o.client(admin.NewClient{ClientInput: admin.ClientInput{Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	if diff := cmp.Diff(admin.ClientSignIn{}, machine.ClientSignIn); diff != "" {
		t.Errorf("a client without a grant for users has\n%s", diff)
	}
}

// A client may only join a sector whose document lists its redirect URIs (OpenID Connect Dynamic
// Client Registration 1.0 §5).
func TestSectorIdentifier(t *testing.T) {
	for name, test := range map[string]struct {
		document string
		words    []string // parts of the faults; nil: none
	}{
		"it lists them":            {`["https://x.example/", "https://app.example.com/cb"]`, nil},
		"it lists another":         {`["https://app.example.com/CB"]`, []string{"sector_identifier_uri", "https://app.example.com/cb", "owner"}},
		"it is no list":            {`{"redirect_uris":["https://app.example.com/cb"]}`, []string{"sector_identifier_uri", "array"}},
		"it is a list of others":   {`[1]`, []string{"sector_identifier_uri", "array"}},
		"it cannot be fetched":     {"", []string{"sector_identifier_uri", "404"}},
		"it is followed by a list": {`["https://app.example.com/cb"] []`, []string{"sector_identifier_uri", "array"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			if test.document != "" {
				o.documents["https://example.com/sector.json"] = test.document
			}
			pairwise := signIn(func(in *admin.ClientInput) {
				in.SubjectType, in.SectorIdentifierURI = ptr("pairwise"), ptr("https://example.com/sector.json")
			})
			_, _, err := o.Clients.Create(t.Context(), by, admin.NewClient{ClientInput: pairwise})
			if test.words != nil {
				wantFaults(t, err, test.words...)
				return
			}
			o.must(err)
		})
	}
}

// A client that moves to another sector will not recognise its users: the command warns the
// operator.
func TestSectorMoves(t *testing.T) {
	o := newOffice(t)
	c := o.client(admin.NewClient{ClientInput: signIn(func(in *admin.ClientInput) { in.SubjectType = ptr("pairwise") })})
	for _, test := range []struct {
		uris  []string
		warns bool
	}{
		{[]string{"https://app.example.com:8443/cb", "https://app.example.com/other"}, false},
		{[]string{"https://new.example.com/cb"}, true},
	} {
		_, warnings, err := o.Clients.Update(t.Context(), by, c.ClientID, admin.ClientInput{ClientSignInInput: admin.ClientSignInInput{RedirectURIs: test.uris}})
		o.must(err)
		if warned := slices.ContainsFunc(warnings, func(f admin.Fault) bool { return f.Field == "subject_type" }); warned != test.warns {
			t.Errorf("%v: warned %v", test.uris, warnings)
		}
	}
}

// A server with https sends logout tokens to https alone, and a developer's server to loopback too.
func TestLogoutURIThatIsNotUsed(t *testing.T) {
	for _, test := range []struct {
		localHTTP bool
		uri       string
		warns     bool
	}{
		{false, "http://127.0.0.1:9000/logout", true},
		{false, "https://app.example.com/logout", false},
		{true, "http://127.0.0.1:9000/logout", false},
	} {
		o := newOffice(t)
		o.Clients.LocalHTTP = test.localHTTP
		_, warnings, err := o.Clients.Create(t.Context(), by, admin.NewClient{ClientInput: signIn(func(in *admin.ClientInput) { in.BackchannelLogoutURI = &test.uri })})
		o.must(err)
		if warned := slices.ContainsFunc(warnings, func(f admin.Fault) bool { return f.Field == "backchannel_logout_uri" }); warned != test.warns {
			t.Errorf("%+v: warned %v", test, warnings)
		}
	}
}

// A client gets no ID tokens that the server cannot sign: the command tells the operator what to
// do.
func TestIDTokenAlgWithoutAKey(t *testing.T) {
	o := newOffice(t)
	o.must(o.Keys.Signing.Load(t.Context())) // with a key for ES256
	for alg, words := range map[string][]string{"ES256": nil, "EdDSA": {"id_token_signed_response_alg", "no key yet"}} {
		_, _, err := o.Clients.Create(t.Context(), by, admin.NewClient{ClientInput: signIn(func(in *admin.ClientInput) { in.IDTokenAlg = ptr(alg) })})
		if words != nil {
			wantFaults(t, err, words...)
			continue
		}
		o.must(err)
	}
}

// The faults come in the order of the fields, each time.
func TestFaultsHaveAnOrder(t *testing.T) {
	o := newOffice(t)
	o.must(o.Keys.Signing.Load(t.Context())) // with a key for ES256
	for range 20 {
		_, _, err := o.Clients.Create(t.Context(), by, admin.NewClient{ClientInput: signIn(func(in *admin.ClientInput) {
			in.IDTokenAlg, in.UserinfoAlg = ptr("EdDSA"), ptr("EdDSA")
		})})
		var faults admin.Faults
		if !errors.As(err, &faults) || len(faults) != 2 || faults[0].Field != "id_token_signed_response_alg" || faults[1].Field != "userinfo_signed_response_alg" {
			t.Fatal(err)
		}
	}
}
