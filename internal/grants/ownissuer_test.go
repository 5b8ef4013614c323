package grants_test

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/testkit"
	"authserver/internal/tokens"
)

// RFC 7523 §3: a client may be its own issuer, like the service accounts of clouds.
func TestAClientIsItsOwnIssuer(t *testing.T) {
	w := newWorld(t)
	set := testkit.JWKS(t, testkit.JWK(t, issuerKey().Public(), nil))
	w.change("web", func(c *store.Client) {
		c.AuthMethods = append(c.AuthMethods, oauth.AuthPrivateKeyJWT)
		c.JWKS, c.AssertUsers, c.AssertRoles = set, []string{"b*"}, []string{"admin"}
	})
	w.change("other", func(c *store.Client) { c.JWKS, c.Grants = set, c.Grants[:1] })
	own := func(sub string) map[string]any { return map[string]any{"iss": "web", "sub": sub} }
	for _, test := range []struct {
		name, by, sub, want string
	}{
		{"for itself", "", "web", "web"},
		{"for a user by name", "", "bob", "0199a6f4-0000-7000-8000-000000000002"},
		{"for a user by role", "", "alice", w.alice().ID},
		{"having authenticated, too", "web", "bob", "0199a6f4-0000-7000-8000-000000000002"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer, err := w.present(test.by, w.vouch(own(test.sub)))
			if err != nil {
				t.Fatal(err)
			}
			if claims := w.verifyAccess(answer.AccessToken); claims.Subject != test.want || claims.ClientID != "web" {
				t.Errorf("the token is of %s at %s", claims.Subject, claims.ClientID)
			}
		})
	}
	for _, test := range []struct {
		name, by, assertion, reason string
	}{
		{"for a user who is disabled", "", w.vouch(own("carol")), "subject_unknown"},
		{"for an unknown user", "", w.vouch(own("unknown")), "subject_unknown"},
		{"for another client", "", w.vouch(own("other")), "subject_unknown"},
		{"while another client authenticated", "app", w.vouch(own("web")), "assertion_of_another_client"},
		{"without the grant", "", w.vouch(map[string]any{"iss": "other", "sub": "other"}), "issuer_unknown"},
		{"as a public client", "", w.vouch(map[string]any{"iss": "app", "sub": "app"}), "issuer_unknown"},
		{"as an unknown client", "", w.vouch(map[string]any{"iss": "unknown", "sub": "unknown"}), "issuer_unknown"},
		{"for longer than is allowed", "", w.vouch(map[string]any{"iss": "web", "sub": "web", "exp": w.Now().Add(3 * time.Hour).Unix()}), "assertion_refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := w.present(test.by, test.assertion)
			refused(t, err, oauth.InvalidGrant, test.reason)
		})
	}
	w.change("web", func(c *store.Client) { c.AssertUsers, c.AssertRoles = nil, nil })
	_, err := w.present("", w.vouch(own("alice")))
	refused(t, err, oauth.InvalidGrant, "subject_not_authorised")
}

// Registered keys count only for the present methods of the client, and a client that is registered
// for bound tokens gets no others.
func TestAClientIsItsOwnIssuerAsItIsRegistered(t *testing.T) {
	w := newWorld(t)
	set := testkit.JWKS(t, testkit.JWK(t, issuerKey().Public(), nil))
	certificate := testkit.SelfSigned(t, x509.Certificate{NotBefore: began.Add(-time.Hour), NotAfter: began.Add(time.Hour)}, issuerKey()).Raw
	signs := []oauth.AuthMethod{oauth.AuthPrivateKeyJWT}
	for _, test := range []struct {
		name   string
		change func(*store.Client)
		proved tokens.Confirmation
		code   oauth.Code // "": a token
		reason string
	}{
		{"private_key_jwt", func(c *store.Client) { c.AuthMethods = signs }, tokens.Confirmation{}, "", ""},
		{"private_key_jwt beside a secret", func(c *store.Client) { c.AuthMethods = append(c.AuthMethods, signs...) }, tokens.Confirmation{}, "", ""},
		{"a method that was taken away", func(*store.Client) {}, tokens.Confirmation{}, oauth.InvalidGrant, "issuer_unknown"},
		{"client_secret_jwt, by a private key", func(c *store.Client) { c.AuthMethods = []oauth.AuthMethod{oauth.AuthSecretJWT} }, tokens.Confirmation{}, oauth.InvalidGrant, "issuer_unknown"},
		{"self_signed_tls_client_auth, by a key of its key set", func(c *store.Client) { c.AuthMethods = []oauth.AuthMethod{oauth.AuthSelfSignedTLS} }, tokens.Confirmation{}, oauth.InvalidGrant, "issuer_unknown"},
		{"self_signed_tls_client_auth, by the key of its certificate", func(c *store.Client) {
			c.AuthMethods, c.JWKS, c.Certificates = []oauth.AuthMethod{oauth.AuthSelfSignedTLS}, nil, [][]byte{certificate}
		}, tokens.Confirmation{}, oauth.InvalidGrant, "issuer_unknown"},
		{"tls_client_auth", func(c *store.Client) {
			c.AuthMethods, c.TLSSubject = []oauth.AuthMethod{oauth.AuthTLS}, store.TLSSubject{Kind: store.TLSSubjectDNS, Value: "web"}
		}, tokens.Confirmation{}, oauth.InvalidGrant, "issuer_unknown"},
		{"none", func(c *store.Client) { c.AuthMethods = []oauth.AuthMethod{oauth.AuthNone} }, tokens.Confirmation{}, oauth.InvalidGrant, "issuer_unknown"},
		{"bound to a certificate", func(c *store.Client) { c.AuthMethods, c.TLSBound = signs, true }, tokens.Confirmation{}, oauth.InvalidRequest, "certificate_missing"},
		{"bound to a certificate, with a proof of another kind", func(c *store.Client) { c.AuthMethods, c.TLSBound = signs, true }, tokens.Confirmation{JKT: "k"}, oauth.InvalidRequest, "certificate_missing"},
		{"bound by DPoP", func(c *store.Client) { c.AuthMethods, c.DPoPBound = signs, true }, tokens.Confirmation{}, oauth.InvalidDPoPProof, "dpop_missing"},
		{"bound by DPoP, with a proof", func(c *store.Client) { c.AuthMethods, c.DPoPBound = signs, true }, tokens.Confirmation{JKT: "k"}, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.change("web", func(c *store.Client) {
				c.AuthMethods, c.TLSBound, c.DPoPBound = []oauth.AuthMethod{oauth.AuthBasic}, false, false
				c.JWKS, c.Certificates, c.TLSSubject = set, nil, store.TLSSubject{}
				test.change(c)
			})
			r := w.ask(nil, "assertion", w.vouch(map[string]any{"iss": "web", "sub": "web"}))
			r.Possession.JKT, r.Confirmation = test.proved.JKT, test.proved
			answer, err := w.jwtBearer.Exchange(t.Context(), r)
			if test.code != "" {
				refused(t, err, test.code, test.reason)
				return
			}
			w.ok(err)
			if cnf, _ := w.verifyAccess(answer.AccessToken).All["cnf"].(map[string]any); test.proved.JKT != "" && cnf["jkt"] != test.proved.JKT {
				t.Errorf("the token is bound to %v", cnf)
			}
		})
	}
}

// The issuer names a client as the subject: a client that is registered for bound tokens gets no
// others.
func TestAClientThatAnIssuerNamesIsBoundAsItIsRegistered(t *testing.T) {
	w := newWorld(t)
	w.trust(func(i *store.Issuer) { i.SubjectKind, i.ClientAuth = store.SubjectClient, false })
	for _, test := range []struct {
		name   string
		change func(*store.Client)
		code   oauth.Code
		reason string
	}{
		{"by DPoP", func(c *store.Client) { c.DPoPBound = true }, oauth.InvalidDPoPProof, "dpop_missing"},
		{"to a certificate", func(c *store.Client) { c.TLSBound = true }, oauth.InvalidRequest, "certificate_missing"},
		{"to the certificate that it proves itself by", func(c *store.Client) {
			c.AuthMethods, c.TLSSubject = []oauth.AuthMethod{oauth.AuthTLS}, store.TLSSubject{Kind: store.TLSSubjectDNS, Value: "web"}
		}, oauth.InvalidRequest, "certificate_missing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.change("web", func(c *store.Client) {
				c.AuthMethods, c.TLSBound, c.DPoPBound, c.TLSSubject = []oauth.AuthMethod{oauth.AuthBasic}, false, false, store.TLSSubject{}
				test.change(c)
			})
			_, err := w.present("", w.vouch(map[string]any{"sub": "web"}))
			refused(t, err, test.code, test.reason)
		})
	}
}

// The test has the identity of a pipeline: which repository and branch the issuer may name, which
// claims are required, and which claims the token has.
func TestFederatedSubjects(t *testing.T) {
	w := newWorld(t)
	w.retrust(func(i *store.Issuer) {
		i.SubjectKind, i.SubjectClaim = store.SubjectFederated, "/kubernetes.io/serviceaccount/name"
		i.Patterns = []store.ClaimPattern{{"repository": "acme/*", "ref": "refs/heads/main"}, {"groups": "ops"}}
		i.RequiredClaims = []string{"run_id"}
		i.ClaimMapping = map[string]string{"repo": "repository", "namespace": "/kubernetes.io/namespace", "sub": "repository", "missing": "nothing"}
		i.ClockSkew = 5 * time.Minute
	})
	account := func(more map[string]any) map[string]any {
		all := map[string]any{
			"sub": "ignored", "repository": "acme/shop", "ref": "refs/heads/main", "run_id": 7,
			"kubernetes.io": map[string]any{"namespace": "shop", "serviceaccount": map[string]any{"name": "orders"}},
		}
		for name, value := range more {
			all[name] = value
		}
		return all
	}
	answer, err := w.present("web", w.vouch(account(nil)))
	w.ok(err)
	claims := w.verifyAccess(answer.AccessToken)
	if claims.Subject != "orders" || claims.All["repo"] != "acme/shop" || claims.All["namespace"] != "shop" || claims.All["missing"] != nil {
		t.Errorf("the token says %v", claims.All)
	}
	for name, more := range map[string]map[string]any{
		"by a group in a list":                {"repository": "evil/shop", "groups": []any{"dev", "ops"}},
		"four minutes after its exp":          {"exp": w.Now().Add(-4 * time.Minute).Unix()},
		"with a claim that is there and null": {"run_id": nil, "groups": "ops", "nothing": nil},
	} {
		_, err := w.present("web", w.vouch(account(more)))
		if refusedFor := name == "with a claim that is there and null"; (err != nil) != refusedFor {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, test := range map[string]struct {
		more map[string]any
		want string
	}{
		"another repository":            {map[string]any{"repository": "evil/shop"}, "none of the patterns"},
		"another branch":                {map[string]any{"ref": "refs/heads/feature"}, "none of the patterns"},
		"a repository that is not text": {map[string]any{"repository": map[string]any{"a": "acme/shop"}}, "none of the patterns"},
		"without what is required":      {map[string]any{"run_id": nil}, "run_id is missing"},
		"without the subject":           {map[string]any{"kubernetes.io": map[string]any{}}, "names the subject, is missing"},
		"a subject that is not text":    {map[string]any{"kubernetes.io": map[string]any{"serviceaccount": map[string]any{"name": 7}}}, "is not a string"},
		"six minutes after its exp":     {map[string]any{"exp": w.Now().Add(-6 * time.Minute).Unix()}, "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.present("web", w.vouch(account(test.more)))
			if text := refused(t, err, oauth.InvalidGrant, "assertion_refused"); !strings.Contains(text, test.want) {
				t.Errorf("the answer says %q, want %q", text, test.want)
			}
		})
	}
}
