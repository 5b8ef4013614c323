package admin_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/admin"
	"authserver/internal/store"
	"authserver/internal/testkit"
)

const (
	idp    = "https://idp.example.com"
	secret = "a shared secret of 32 bytes or more"
)

// set makes a JWK Set of keys. Public keys get the alg, if there is one.
func set(t *testing.T, alg string, raw ...any) []byte {
	t.Helper()
	s := jwk.NewSet()
	for _, r := range raw {
		key, err := jwk.FromRaw(r)
		if err != nil {
			t.Fatal(err)
		}
		if alg != "" {
			if err := key.Set(jwk.AlgorithmKey, alg); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.AddKey(key); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func certificate(t *testing.T, key crypto.Signer, notAfter time.Time) []byte {
	t.Helper()
	template := x509.Certificate{
		Subject: pkix.Name{CommonName: "idp"}, NotBefore: notAfter.Add(-24 * time.Hour), NotAfter: notAfter,
	}
	return testkit.SelfSigned(t, template, key).Raw
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestANewIssuerHasTheDefaults(t *testing.T) {
	o := newOffice(t)
	key := newKey(t)
	_, _, err := o.Issuers.Create(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerInput: admin.IssuerInput{Keys: admin.IssuerKeys{JWKS: set(t, "", key.Public())}}})
	o.must(err)
	got, err := o.store.Issuer(t.Context(), idp)
	o.must(err)
	want := store.Issuer{
		ID: idp, Iss: idp, JWKS: got.JWKS, Algorithms: []string{"ES256"}, SubjectClaim: "sub", SubjectKind: store.SubjectUser,
		ClientAuth: true, MaxLifetime: time.Hour, Version: 1, CreatedAt: o.now(), UpdatedAt: o.now(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheJSONOfAnIssuer(t *testing.T) {
	o := newOffice(t)
	o.resource()
	o.client(admin.NewClient{ID: "web"})
	_, warnings, err := o.Issuers.Create(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerInput: admin.IssuerInput{
		Keys: admin.IssuerKeys{Secret: []byte(secret)}, SubjectClaim: ptr("email"), Subject: ptr("any"), Scopes: []string{"read"}, Resources: []string{api},
		RequireClientAuth: ptr(false), ClientID: ptr("web"), MaxLifetime: ptr(5 * time.Minute), AllowRepeat: ptr(true),
	}})

	o.must(err)
	if len(warnings) > 0 {
		t.Errorf("warnings: %q", warnings)
	}
	i, err := o.Issuers.Get(t.Context(), by, idp)
	o.must(err)
	const want = `{"id":"https://idp.example.com","iss":"https://idp.example.com","key_source":"secret","jwks":null,"certificates":[],"algorithms":["HS256"],` +
		`"subject_claim":"email","subject":"any","scopes":["read"],"resources":["https://api.example.com"],"require_client_auth":false,"client_id":"web",` +
		`"max_lifetime_seconds":300,"allow_repeat":true,"disabled":false,"created_at":"2026-03-01T12:00:00.123456Z","updated_at":"2026-03-01T12:00:00.123456Z"}`
	if got := asJSON(t, i); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	kept, err := o.store.Issuer(t.Context(), idp)
	o.must(err)
	opened, err := o.MasterKeys.Sealer.Open(kept.SealedSecret, "issuers/"+idp)
	if err != nil || string(opened) != secret {
		t.Errorf("the secret opens to %q, %v", opened, err)
	}
}

func TestAnIssuerWithCertificatesShowsTheirThumbprints(t *testing.T) {
	o := newOffice(t)
	one, two := newKey(t), rsaKey(t)
	until := o.clock.Add(time.Hour).Truncate(time.Second)
	i, _, err := o.Issuers.Create(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerInput: admin.IssuerInput{Keys: admin.IssuerKeys{Certificates: [][]byte{certificate(t, one, until), certificate(t, two, until)}}}})
	o.must(err)
	if i.KeySource != "certificates" || len(i.Certificates) != 2 || !slices.Equal(i.Algorithms, []string{"ES256", "RS256"}) {
		t.Fatalf("made %+v", i)
	}
	if c := i.Certificates[0]; len(c.X5TS256) != 43 || len(c.X5T) != 27 || c.Subject != "CN=idp" || !c.NotAfter.Equal(until) {
		t.Errorf("shows %+v", c)
	}
}

func TestIssuersAreRefused(t *testing.T) {
	o := newOffice(t)
	key := newKey(t)
	jwks := admin.IssuerKeys{JWKS: set(t, "", key.Public())}
	for _, c := range []struct {
		name string
		iss  string
		f    admin.IssuerInput
		want []string
	}{
		{"without an identifier", "", admin.IssuerInput{Keys: jwks}, []string{"iss"}},
		{"with a line break in the identifier", "a\nb", admin.IssuerInput{Keys: jwks}, []string{"iss"}},
		{"this server itself", self, admin.IssuerInput{Keys: jwks}, []string{"iss", "this server itself"}},
		{"without keys", idp, admin.IssuerInput{}, []string{"jwks", "certificates", "secret"}},
		{"with keys from two sources", idp, admin.IssuerInput{Keys: admin.IssuerKeys{JWKS: jwks.JWKS, Secret: []byte(secret)}}, []string{"exactly one"}},
		{"with a JWK Set that is none", idp, admin.IssuerInput{Keys: admin.IssuerKeys{JWKS: []byte("{")}}, []string{"jwks"}},
		{"with a private key", idp, admin.IssuerInput{Keys: admin.IssuerKeys{JWKS: set(t, "", key)}}, []string{"jwks", "private"}},
		{"with a file that holds no certificate", idp, admin.IssuerInput{Keys: admin.IssuerKeys{Certificates: [][]byte{[]byte("x")}}}, []string{"certificates", "parse certificate 1"}},
		{"with a certificate that has expired", idp, admin.IssuerInput{Keys: admin.IssuerKeys{Certificates: [][]byte{certificate(t, key, o.clock.Add(-time.Second))}}}, []string{"certificates", "CN=idp", "expired at 2026-03-01T"}},
		{"with a shared secret that is too short", idp, admin.IssuerInput{Keys: admin.IssuerKeys{Secret: []byte(secret[:31])}}, []string{"secret", "32 bytes"}},
		{"with HS256 under public keys", idp, admin.IssuerInput{Keys: jwks, Algorithms: []string{"HS256"}}, []string{"algorithms", "HS256", "ES256"}},
		{"with an algorithm that the keys cannot do", idp, admin.IssuerInput{Keys: jwks, Algorithms: []string{"ES256", "RS256"}}, []string{"algorithms", "RS256"}},
		{"with a public algorithm under a secret", idp, admin.IssuerInput{Keys: admin.IssuerKeys{Secret: []byte(secret)}, Algorithms: []string{"RS256"}}, []string{"algorithms", "HS256"}},
		{"with the algorithm none", idp, admin.IssuerInput{Keys: jwks, Algorithms: []string{"none"}}, []string{"algorithms"}},
		{"with a subject claim that is not known", idp, admin.IssuerInput{Keys: jwks, SubjectClaim: ptr("")}, []string{"subject_claim", "has a name"}},
		{"with a kind of subject that is not known", idp, admin.IssuerInput{Keys: jwks, Subject: ptr("robot")}, []string{"subject", "user, client, federated, any"}},
		{"with subjects that nothing lets in", idp, admin.IssuerInput{Keys: jwks, Subject: ptr("federated")}, []string{"subject: federated", "match"}},
		{"with half a pattern", idp, admin.IssuerInput{Keys: jwks, Match: []map[string]string{{"repository": ""}}}, []string{"match[0]", "has no pattern"}},
		{"with a pattern of no claim", idp, admin.IssuerInput{Keys: jwks, Match: []map[string]string{{"a": "x"}, {}}}, []string{"match[1]", "names no claim"}},
		{"with a claim without a name", idp, admin.IssuerInput{Keys: jwks, ClaimMapping: map[string]string{"": "email"}}, []string{"claim_mapping", "no name"}},
		{"with a claim that is the server's own", idp, admin.IssuerInput{Keys: jwks, ClaimMapping: map[string]string{"sub": "email"}}, []string{"claim_mapping", "own to set"}},
		{"with a clock that is an hour off", idp, admin.IssuerInput{Keys: jwks, ClockSkew: ptr(time.Hour)}, []string{"clock_skew_seconds"}},
		{"with authorities and no certificates", idp, admin.IssuerInput{Keys: jwks, Authorities: [][]byte{certificate(t, key, o.clock.Add(time.Hour))}}, []string{"ca_certificates", "certificates"}},
		{"with a resource that is not registered", idp, admin.IssuerInput{Keys: jwks, Resources: []string{api}}, []string{"resources", "resource create"}},
		{"with a client that is not registered", idp, admin.IssuerInput{Keys: jwks, ClientID: ptr("web")}, []string{"client_id", "client create"}},
		{"with a malformed scope", idp, admin.IssuerInput{Keys: jwks, Scopes: []string{"a b"}}, []string{"scopes"}},
		{"with a lifetime of nothing", idp, admin.IssuerInput{Keys: jwks, MaxLifetime: ptr(time.Duration(0))}, []string{"max_lifetime_seconds"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := o.Issuers.Create(t.Context(), by, admin.NewIssuer{Iss: c.iss, IssuerInput: c.f})
			wantFaults(t, err, c.want...)
			if strings.Contains(err.Error(), secret[:31]) {
				t.Error("the error tells the secret")
			}
		})
	}
}

func TestReplacedKeysAndTheirAlgorithms(t *testing.T) {
	ec, rs := newKey(t), rsaKey(t)
	for _, c := range []struct {
		name   string
		before []string // --alg at first
		after  admin.IssuerInput
		want   []string
	}{
		{"what was narrowed stays narrowed", []string{"PS256"}, admin.IssuerInput{Keys: admin.IssuerKeys{JWKS: set(t, "", rs.Public())}}, []string{"PS256"}},
		{"a key of another kind gets its algorithm beside", []string{"PS256"}, admin.IssuerInput{Keys: admin.IssuerKeys{JWKS: set(t, "", rs.Public(), ec.Public())}}, []string{"ES256", "PS256"}},
		{"what no key can do any longer goes", []string{"PS256"}, admin.IssuerInput{Keys: admin.IssuerKeys{JWKS: set(t, "", ec.Public())}}, []string{"ES256"}},
		{"a key's own algorithm counts", nil, admin.IssuerInput{Keys: admin.IssuerKeys{JWKS: set(t, "PS512", rs.Public())}}, []string{"PS512"}},
		{"another source of keys replaces the first", nil, admin.IssuerInput{Keys: admin.IssuerKeys{Secret: []byte(secret)}}, []string{"HS256"}},
		{"algorithms alone can be chosen", nil, admin.IssuerInput{Algorithms: []string{"RS512", "PS384"}}, []string{"RS512", "PS384"}},
		{"and given back to the keys", []string{"PS256"}, admin.IssuerInput{Algorithms: []string{}}, []string{"RS256"}},
		{"other changes leave them alone", []string{"PS256"}, admin.IssuerInput{Disabled: ptr(true)}, []string{"PS256"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			_, _, err := o.Issuers.Create(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerInput: admin.IssuerInput{Keys: admin.IssuerKeys{JWKS: set(t, "", rs.Public())}, Algorithms: c.before}})
			o.must(err)
			i, _, err := o.Issuers.Update(t.Context(), by, idp, c.after)
			o.must(err)
			if diff := cmp.Diff(c.want, i.Algorithms); diff != "" {
				t.Error(diff)
			}
			kept, err := o.store.Issuer(t.Context(), idp)
			o.must(err)
			if (len(kept.JWKS) > 0) == (len(kept.SealedSecret) > 0) {
				t.Error("it has keys from both sources, or from none")
			}
		})
	}
}

func TestAnUpdateOfAnIssuerIsRefusedAsItsCreationIs(t *testing.T) {
	o := newOffice(t)
	_, _, err := o.Issuers.Create(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerInput: admin.IssuerInput{Keys: admin.IssuerKeys{Secret: []byte(secret)}}})
	o.must(err)
	_, _, err = o.Issuers.Update(t.Context(), by, idp, admin.IssuerInput{Algorithms: []string{"RS256"}})
	wantFaults(t, err, "algorithms")
	_, warnings, err := o.Issuers.Update(t.Context(), by, idp, admin.IssuerInput{RequireClientAuth: ptr(false)})
	o.must(err)
	if len(warnings) != 1 || !strings.Contains(said(warnings[0:]), "no scope") {
		t.Errorf("warnings: %q", warnings)
	}
}

func TestAnIssuerThatIsThereOrNot(t *testing.T) {
	o := newOffice(t)
	keys := admin.IssuerKeys{Secret: []byte(secret)}
	_, _, err := o.Issuers.Create(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerInput: admin.IssuerInput{Keys: keys}})
	o.must(err)
	if _, _, err := o.Issuers.Create(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerInput: admin.IssuerInput{Keys: keys}}); !errors.Is(err, store.ErrExists) {
		t.Errorf("created twice: %v", err)
	}
	all, err := o.Issuers.List(t.Context(), by, admin.Page{Limit: 10})
	if err != nil || len(all) != 1 {
		t.Errorf("listed %v, %v", all, err)
	}
	o.must(o.Issuers.Delete(t.Context(), by, idp))
	_, showErr := o.Issuers.Get(t.Context(), by, idp)
	_, _, updateErr := o.Issuers.Update(t.Context(), by, idp, admin.IssuerInput{})
	for _, err := range []error{showErr, updateErr, o.Issuers.Delete(t.Context(), by, idp)} {
		if !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "issuer list") {
			t.Errorf("got %v", err)
		}
	}
}
