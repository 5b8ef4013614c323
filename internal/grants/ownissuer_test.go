package grants_test

import (
	"strings"
	"testing"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/testkit"
)

// RFC 7523 §3: a client may be its own issuer, as service accounts of clouds are.
func TestAClientIsItsOwnIssuer(t *testing.T) {
	w := newWorld(t)
	set := testkit.JWKS(t, testkit.JWK(t, issuerKey().Public(), nil))
	w.change("web", func(c *store.Client) { c.JWKS, c.AssertUsers, c.AssertRoles = set, []string{"b*"}, []string{"admin"} })
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
		{"for nobody", "", w.vouch(own("nobody")), "subject_unknown"},
		{"for another client", "", w.vouch(own("other")), "subject_unknown"},
		{"while another client authenticated", "app", w.vouch(own("web")), "assertion_of_another_client"},
		{"without the grant", "", w.vouch(map[string]any{"iss": "other", "sub": "other"}), "issuer_unknown"},
		{"as a public client", "", w.vouch(map[string]any{"iss": "app", "sub": "app"}), "issuer_unknown"},
		{"as nobody", "", w.vouch(map[string]any{"iss": "nobody", "sub": "nobody"}), "issuer_unknown"},
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

// A pipeline's identity: which repository and branch it may speak of, what has to be
// said, and what is handed on.
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
