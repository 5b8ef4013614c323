package handlers

import (
	"crypto/ecdsa"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"authserver/internal/clientauth"
	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/testkit"
	"authserver/internal/tokens"
	"authserver/internal/trust/assertions"
	"authserver/internal/trust/dpop"
)

// The possible results of a request.
const (
	unbound    = "unbound"
	byKey      = "jkt"
	byCert     = "x5t#S256"
	byBoth     = "jkt and x5t#S256"
	noProof    = "dpop_missing"        // refused
	noCert     = "certificate_missing" // refused
	notChosen  = "not chosen"
	chosenYes  = "--tls-bound"
	chosenNo   = "--tls-bound=false"
	everyGrant = 6
)

// bindings is the table of the decision (RFC 8705 §3 and §3.4, RFC 9449 §5 and §5.2): the
// registration of the client, what its request contains, and what its access token is bound to.
func bindings() []binding {
	const yes, no = true, false
	return []binding{
		// registered, and dpop_bound | authenticates by the certificate | a proof | a certificate
		{notChosen, no, yes, no, yes, byCert},
		{notChosen, no, yes, yes, yes, byKey},
		{notChosen, no, no, no, no, unbound},
		{notChosen, no, no, no, yes, unbound},
		{notChosen, no, no, yes, no, byKey},
		{notChosen, no, no, yes, yes, byKey},
		{notChosen, yes, yes, no, yes, noProof},
		{notChosen, yes, yes, yes, yes, byKey},
		{notChosen, yes, no, no, no, noProof},
		{notChosen, yes, no, no, yes, noProof},
		{notChosen, yes, no, yes, no, byKey},
		{notChosen, yes, no, yes, yes, byKey},

		{chosenYes, no, yes, no, yes, byCert},
		{chosenYes, no, yes, yes, yes, byBoth},
		{chosenYes, no, no, no, no, noCert},
		{chosenYes, no, no, no, yes, byCert},
		{chosenYes, no, no, yes, no, noCert},
		{chosenYes, no, no, yes, yes, byBoth},
		{chosenYes, yes, yes, no, yes, noProof},
		{chosenYes, yes, yes, yes, yes, byBoth},
		{chosenYes, yes, no, no, no, noProof},
		{chosenYes, yes, no, no, yes, noProof},
		{chosenYes, yes, no, yes, no, noCert},
		{chosenYes, yes, no, yes, yes, byBoth},

		{chosenNo, no, yes, no, yes, unbound},
		{chosenNo, no, yes, yes, yes, byKey},
		{chosenNo, no, no, no, no, unbound},
		{chosenNo, no, no, no, yes, unbound},
		{chosenNo, no, no, yes, no, byKey},
		{chosenNo, no, no, yes, yes, byKey},
		{chosenNo, yes, yes, no, yes, noProof},
		{chosenNo, yes, yes, yes, yes, byKey},
		{chosenNo, yes, no, no, no, noProof},
		{chosenNo, yes, no, no, yes, noProof},
		{chosenNo, yes, no, yes, no, byKey},
		{chosenNo, yes, no, yes, yes, byKey},
	}
}

type binding struct {
	tlsBound                          string
	dpopBound                         bool
	byCertificate, proof, certificate bool
	want                              string
}

// boundSite has a client for each authentication method and each registration.
type boundSite struct {
	visitor
	*site
	certificate tls.Certificate
	clientKey   *ecdsa.PrivateKey // of private_key_jwt
	dpopKey     *ecdsa.PrivateKey
	requests    int
}

// authMethods returns the authentication methods of the clients.
func authMethods() []oauth.AuthMethod {
	return []oauth.AuthMethod{oauth.AuthSelfSignedTLS, oauth.AuthPrivateKeyJWT, oauth.AuthPost, oauth.AuthNone}
}

func newBoundSite(t *testing.T) *boundSite {
	t.Helper()
	b := &boundSite{site: newSite(t), certificate: selfSigned(t), clientKey: testkit.P256(t), dpopKey: testkit.P256(t)}
	b.Clients.CertificateProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	b.Token.DPoP = DPoP{Skew: time.Minute}
	b.Clients.Authenticator.Methods = append([]clientauth.Method{
		&clientauth.SelfSignedTLS{},
		clientauth.JWT{
			Method: oauth.AuthPrivateKeyJWT, Verifier: &assertions.Verifier{Skew: time.Minute}, Issuer: issuer,
			Rules: assertions.ClientRules{MaxLifetime: time.Hour},
		},
	}, b.Clients.Authenticator.Methods...)
	grant, _ := b.Token.Grants.Find(oauth.JWTBearer)
	bearer := grant.(*grants.JWTBearer) //nolint:forcetypeassert // it is registered as that
	all := []grants.Grant{&grants.Exchange{
		Used: b.db, Issuing: bearer.Issuing, Users: b.db, Clients: b.db, Tokens: b.Verifier, Revoked: b.View, Trust: bearer.Trust,
	}}
	for _, known := range b.Token.Grants.Types() {
		grant, _ := b.Token.Grants.Find(known)
		all = append(all, grant)
	}
	var err error
	b.Token.Grants, err = grants.NewRegistry(all...)
	b.ok(err)
	if len(all) != everyGrant {
		t.Fatalf("there are %d grants, and this test knows %d", len(all), everyGrant)
	}
	web, err := b.db.Client(t.Context(), "web")
	b.ok(err)
	for _, method := range authMethods() {
		for _, tlsBound := range []string{notChosen, chosenYes, chosenNo} {
			for _, dpopBound := range []bool{false, true} {
				c := web
				c.ID, c.AuthMethods, c.DPoPBound = boundClient(method, tlsBound, dpopBound), []oauth.AuthMethod{method}, dpopBound
				c.TLSBound, c.TLSUnbound = tlsBound == chosenYes, tlsBound == chosenNo
				c.Certificates, c.JWKS = b.certificate.Certificate, testkit.JWKS(t, testkit.JWK(t, b.clientKey.Public(), nil))
				c.Grants = b.Token.Grants.Types()
				b.ok(b.db.CreateClient(t.Context(), c, storetest.By()))
			}
		}
	}
	b.visitor = b.open()
	return b
}

func boundClient(method oauth.AuthMethod, tlsBound string, dpopBound bool) string {
	return strings.ReplaceAll(fmt.Sprintf("%s/%s/%v", method, tlsBound, dpopBound), " ", "-")
}

// ask sends a request of a client, with the certificate and the proof of the case.
func (b *boundSite) ask(t *testing.T, method oauth.AuthMethod, c binding, form url.Values) answer {
	t.Helper()
	b.requests++
	id := boundClient(method, c.tlsBound, c.dpopBound)
	switch method {
	case oauth.AuthPost:
		form.Set("client_secret", secret)
	case oauth.AuthPrivateKeyJWT:
		signed, err := assertions.Sign("JWT", assertions.SigningKey{Key: b.clientKey}, map[string]any{
			"iss": id, "sub": id, "aud": issuer, "jti": fmt.Sprint(b.requests), "exp": began.Add(time.Minute).Unix(),
		})
		b.ok(err)
		form.Set("client_assertion", signed)
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	}
	form.Set("client_id", id)
	header := http.Header{}
	if c.certificate {
		header.Set("Client-Cert", forwarded(b.certificate))
	}
	if c.proof {
		proof, err := assertions.Sign("dpop+jwt", assertions.SigningKey{Key: b.dpopKey, Embed: true}, map[string]any{
			"jti": fmt.Sprint(b.requests), "htm": http.MethodPost, "htu": issuer + TokenPath, "iat": began.Unix(),
		})
		b.ok(err)
		header["DPoP"] = []string{proof} // in the spelling of RFC 9449
	}
	return b.from(header, form.Encode())
}

// forms returns a request of each grant that the client may use.
func (b *boundSite) forms(t *testing.T, method oauth.AuthMethod, client string) map[oauth.GrantType]url.Values {
	t.Helper()
	b.requests++
	family := store.Family{
		ClientID: client, UserID: "0199a6f4-0000-7000-8000-000000000001", Scope: oauth.Scope{"read"}, Resources: []string{apiID}, Generation: 1,
		CreatedAt: store.At(began), ClientNotBefore: store.At(began), UserNotBefore: store.At(began),
		IdleExpiresAt: store.At(began.Add(time.Hour)), ExpiresAt: store.At(began.Add(time.Hour)),
	}
	binary.BigEndian.PutUint64(family.ID[:], uint64(b.requests))
	b.ok(b.db.CreateFamily(t.Context(), family))
	refresh, err := b.Codec.Encode(tokens.Refresh{Family: family.ID, Generation: 1}, began)
	b.ok(err)
	signIn := family
	signIn.Generation, signIn.ID[15] = 0, 1
	b.ok(b.db.CreateFamily(t.Context(), signIn))
	code, err := (&tokens.CodeCodec{Keys: b.Codec.Keys}).Encode(signIn.ID, began)
	b.ok(err)
	forms := map[oauth.GrantType]url.Values{
		oauth.AuthorizationCode: {"code": {code}},
		oauth.Password:          {"username": {"alice"}, "password": {password}},
		oauth.RefreshToken:      {"refresh_token": {refresh}},
		oauth.JWTBearer:         {"assertion": {vouch(t, fmt.Sprint(b.requests))}},
	}
	if method != oauth.AuthNone {
		forms[oauth.ClientCredentials] = url.Values{}
		forms[oauth.TokenExchange] = url.Values{"subject_token": {vouch(t, "subject"+fmt.Sprint(b.requests))}, "subject_token_type": {grants.JWTType}}
	}
	for grant, form := range forms {
		form.Set("grant_type", string(grant))
	}
	return forms
}

// Authenticating with a certificate and binding tokens to it are two choices. The decision is the
// same for every grant.
func TestWhatTokensAreBoundTo(t *testing.T) {
	b := newBoundSite(t)
	jkt := thumbprintOf(t, b)
	for _, method := range authMethods() {
		cases := 0
		for _, c := range bindings() {
			if c.byCertificate != (method == oauth.AuthSelfSignedTLS) {
				continue
			}
			cases++
			for grant, form := range b.forms(t, method, boundClient(method, c.tlsBound, c.dpopBound)) {
				name := fmt.Sprintf("%s/%s/%+v", method, grant, c)
				a := b.ask(t, method, c, form)
				if c.want == noProof || c.want == noCert {
					if a.status != http.StatusBadRequest || !strings.Contains(lastLine(b.log.String()), `"reason":"`+c.want+`"`) {
						t.Errorf("%s: answered %d %s", name, a.status, a.body)
					}
					continue
				}
				if a.status != http.StatusOK {
					t.Errorf("%s: answered %d %s", name, a.status, a.body)
					continue
				}
				want, tokenType := map[string]any{}, oauth.Bearer
				if c.want == byKey || c.want == byBoth {
					want["jkt"], tokenType = jkt, oauth.DPoP
				}
				if c.want == byCert || c.want == byBoth {
					want["x5t#S256"] = thumbprint(t, forwarded(b.certificate))
				}
				got, _ := confirmed(t, a).(map[string]any)
				if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || a.text(t, "token_type") != tokenType {
					t.Errorf("%s: %s\n%s", name, diff, a.body)
				}
			}
		}
		if want := map[bool]int{true: 12, false: 24}[method == oauth.AuthSelfSignedTLS]; cases != want {
			t.Errorf("%s: %d cases, want all %d", method, cases, want)
		}
	}
}

// thumbprintOf returns the thumbprint of the DPoP key.
func thumbprintOf(t *testing.T, b *boundSite) string {
	t.Helper()
	proof, err := assertions.Sign("dpop+jwt", assertions.SigningKey{Key: b.dpopKey, Embed: true}, map[string]any{
		"jti": "x", "htm": http.MethodPost, "htu": issuer + TokenPath, "iat": began.Unix(),
	})
	b.ok(err)
	checked, err := dpop.Check(proof, dpop.Expect{Method: http.MethodPost, URLs: []string{issuer + TokenPath}, Now: began, MaxAge: time.Minute})
	b.ok(err)
	return checked.JKT
}

// The refresh tokens of a public client stay bound to their first key: another key in addition
// changes nothing, and without the first key they are refused. A client that adds a proof is not
// treated as a thief.
func TestRefreshTokensStayBoundToTheirFirstKey(t *testing.T) {
	const refused = string(oauth.InvalidGrant)
	type step struct {
		proof, certificate bool
		want               string // the claim cnf, or the error
	}
	for _, c := range []struct {
		name     string
		tlsBound string // the registration of the client at the login
		login    step
		then     string // the registration afterwards
		steps    []step
	}{
		{"to a certificate", chosenYes, step{false, true, byCert}, chosenYes, []step{
			{true, true, byBoth}, {false, true, byCert}, {true, false, string(oauth.InvalidRequest)},
		}},
		{"to a certificate, and tokens are no longer", chosenYes, step{false, true, byCert}, chosenNo, []step{
			{false, true, unbound}, {true, true, byKey}, {true, false, refused}, {false, false, refused}, {false, true, unbound},
		}},
		{"to the key of a proof", notChosen, step{true, false, byKey}, notChosen, []step{
			{true, true, byKey}, {false, true, refused}, {false, false, refused}, {true, false, byKey},
		}},
		{"to the key of a proof, beside a certificate", chosenYes, step{true, true, byBoth}, chosenYes, []step{
			{true, true, byBoth}, {false, true, refused},
		}},
		{"to nothing, until a refresh brings a proof (RFC 9449 section 5)", notChosen, step{false, false, unbound}, notChosen, []step{
			{false, true, unbound}, {true, false, byKey}, {false, false, refused}, {true, false, byKey},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBoundSite(t)
			send := func(tlsBound string, s step, form url.Values) answer {
				t.Helper()
				id := boundClient(oauth.AuthNone, notChosen, false)
				client, err := b.db.Client(t.Context(), id)
				b.ok(err)
				client.TLSBound, client.TLSUnbound = tlsBound == chosenYes, tlsBound == chosenNo
				b.ok(b.db.UpdateClient(t.Context(), client, storetest.By()))
				a := b.ask(t, oauth.AuthNone, binding{tlsBound: notChosen, proof: s.proof, certificate: s.certificate}, form)
				got := a.text(t, "error")
				if a.status == http.StatusOK {
					cnf, _ := confirmed(t, a).(map[string]any)
					got = map[[2]bool]string{{}: unbound, {true, false}: byKey, {false, true}: byCert, {true, true}: byBoth}[[2]bool{cnf["jkt"] != nil, cnf["x5t#S256"] != nil}]
				}
				if got != s.want {
					t.Errorf("%+v: %s, answered %d %s", s, got, a.status, a.body)
				}
				return a
			}
			token := send(c.tlsBound, c.login, url.Values{"grant_type": {"password"}, "username": {"alice"}, "password": {password}}).text(t, "refresh_token")
			for _, s := range c.steps {
				a := send(c.then, s, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
				if a.status == http.StatusOK {
					token = a.text(t, "refresh_token")
				}
			}
		})
	}
}
