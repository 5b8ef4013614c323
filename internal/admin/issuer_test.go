package admin_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
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

// set makes a JWK Set of keys: public ones are given their alg, where it has one.
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
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: testkit.SelfSigned(t, template, key).Raw})
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
	_, _, err := o.CreateIssuer(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerFields: admin.IssuerFields{Keys: admin.IssuerKeys{JWKS: set(t, "", key.Public())}}})
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
	_, warnings, err := o.CreateIssuer(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerFields: admin.IssuerFields{
		Keys: admin.IssuerKeys{Secret: []byte(secret)}, SubjectClaim: ptr("email"), Subject: ptr("any"), Scopes: []string{"read"}, Resources: []string{api},
		RequireClientAuth: ptr(false), ClientID: ptr("web"), MaxLifetime: ptr(5 * time.Minute), AllowRepeat: ptr(true),
	}})

	o.must(err)
	if len(warnings) > 0 {
		t.Errorf("warnings: %q", warnings)
	}
	i, err := o.Issuer(t.Context(), by, idp)
	o.must(err)
	const want = `{"id":"https://idp.example.com","iss":"https://idp.example.com","key_source":"secret","jwks":null,"certificates":[],"algorithms":["HS256"],` +
		`"subject_claim":"email","subject":"any","scopes":["read"],"resources":["https://api.example.com"],"require_client_auth":false,"client_id":"web",` +
		`"max_lifetime_seconds":300,"allow_repeat":true,"disabled":false,"created_at":"2026-03-01T12:00:00.123456Z","updated_at":"2026-03-01T12:00:00.123456Z"}`
	if got := asJSON(t, i); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	kept, err := o.store.Issuer(t.Context(), idp)
	o.must(err)
	opened, err := o.Sealer.Open(kept.SealedSecret, "issuers/"+idp)
	if err != nil || string(opened) != secret {
		t.Errorf("the secret opens to %q, %v", opened, err)
	}
}

func TestAnIssuerWithCertificatesShowsTheirThumbprints(t *testing.T) {
	o := newOffice(t)
	one, two := newKey(t), rsaKey(t)
	until := o.clock.Add(time.Hour).Truncate(time.Second)
	i, _, err := o.CreateIssuer(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerFields: admin.IssuerFields{Keys: admin.IssuerKeys{Certificates: [][]byte{certificate(t, one, until), certificate(t, two, until)}}}})
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
		f    admin.IssuerFields
		want []string
	}{
		{"without an identifier", "", admin.IssuerFields{Keys: jwks}, []string{"--iss"}},
		{"with a line break in the identifier", "a\nb", admin.IssuerFields{Keys: jwks}, []string{"--iss"}},
		{"this server itself", self, admin.IssuerFields{Keys: jwks}, []string{"--iss", "this server itself"}},
		{"without keys", idp, admin.IssuerFields{}, []string{"--jwks-file", "--certificate-file", "--secret-file"}},
		{"with keys from two sources", idp, admin.IssuerFields{Keys: admin.IssuerKeys{JWKS: jwks.JWKS, Secret: []byte(secret)}}, []string{"exactly one"}},
		{"with a JWK Set that is none", idp, admin.IssuerFields{Keys: admin.IssuerKeys{JWKS: []byte("{")}}, []string{"--jwks-file"}},
		{"with a private key", idp, admin.IssuerFields{Keys: admin.IssuerKeys{JWKS: set(t, "", key)}}, []string{"--jwks-file", "private"}},
		{"with a file that holds no certificate", idp, admin.IssuerFields{Keys: admin.IssuerKeys{Certificates: [][]byte{[]byte("x")}}}, []string{"--certificate-file", "no certificate"}},
		{"with a certificate that has expired", idp, admin.IssuerFields{Keys: admin.IssuerKeys{Certificates: [][]byte{certificate(t, key, o.clock.Add(-time.Second))}}}, []string{"--certificate-file", "CN=idp", "expired at 2026-03-01T"}},
		{"with a shared secret that is too short", idp, admin.IssuerFields{Keys: admin.IssuerKeys{Secret: []byte(secret[:31])}}, []string{"--secret-file", "32 bytes"}},
		{"with HS256 under public keys", idp, admin.IssuerFields{Keys: jwks, Algorithms: []string{"HS256"}}, []string{"--alg", "HS256", "ES256"}},
		{"with an algorithm that the keys cannot do", idp, admin.IssuerFields{Keys: jwks, Algorithms: []string{"ES256", "RS256"}}, []string{"--alg", "RS256"}},
		{"with a public algorithm under a secret", idp, admin.IssuerFields{Keys: admin.IssuerKeys{Secret: []byte(secret)}, Algorithms: []string{"RS256"}}, []string{"--alg", "HS256"}},
		{"with the algorithm none", idp, admin.IssuerFields{Keys: jwks, Algorithms: []string{"none"}}, []string{"--alg"}},
		{"with a subject claim that is not known", idp, admin.IssuerFields{Keys: jwks, SubjectClaim: ptr("")}, []string{"--subject-claim", "has a name"}},
		{"with a kind of subject that is not known", idp, admin.IssuerFields{Keys: jwks, Subject: ptr("robot")}, []string{"--subject", "user, client, federated, any"}},
		{"with subjects that nothing lets in", idp, admin.IssuerFields{Keys: jwks, Subject: ptr("federated")}, []string{"--subject federated", "--match"}},
		{"with half a pattern", idp, admin.IssuerFields{Keys: jwks, Match: []string{"repository"}}, []string{"--match", "CLAIM=PATTERN"}},
		{"with a pattern that says two things of one claim", idp, admin.IssuerFields{Keys: jwks, Match: []string{"a=x,a=y"}}, []string{"--match", "twice"}},
		{"with a claim that is the server's own", idp, admin.IssuerFields{Keys: jwks, MapClaims: []string{"sub=email"}}, []string{"--map-claim", "own to set"}},
		{"with a clock that is an hour off", idp, admin.IssuerFields{Keys: jwks, ClockSkew: ptr(time.Hour)}, []string{"--issuer-clock-skew"}},
		{"with authorities and no certificates", idp, admin.IssuerFields{Keys: jwks, Authorities: [][]byte{certificate(t, key, o.clock.Add(time.Hour))}}, []string{"--ca-file", "--certificate-file"}},
		{"with a resource that is not registered", idp, admin.IssuerFields{Keys: jwks, Resources: []string{api}}, []string{"--resource", "resource create"}},
		{"with a client that is not registered", idp, admin.IssuerFields{Keys: jwks, ClientID: ptr("web")}, []string{"--client", "client create"}},
		{"with a malformed scope", idp, admin.IssuerFields{Keys: jwks, Scopes: []string{"a b"}}, []string{"--scope"}},
		{"with a lifetime of nothing", idp, admin.IssuerFields{Keys: jwks, MaxLifetime: ptr(time.Duration(0))}, []string{"--max-lifetime"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := o.CreateIssuer(t.Context(), by, admin.NewIssuer{Iss: c.iss, IssuerFields: c.f})
			wantInvalid(t, err, c.want...)
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
		after  admin.IssuerFields
		want   []string
	}{
		{"what was narrowed stays narrowed", []string{"PS256"}, admin.IssuerFields{Keys: admin.IssuerKeys{JWKS: set(t, "", rs.Public())}}, []string{"PS256"}},
		{"a key of another kind gets its algorithm beside", []string{"PS256"}, admin.IssuerFields{Keys: admin.IssuerKeys{JWKS: set(t, "", rs.Public(), ec.Public())}}, []string{"ES256", "PS256"}},
		{"what no key can do any longer goes", []string{"PS256"}, admin.IssuerFields{Keys: admin.IssuerKeys{JWKS: set(t, "", ec.Public())}}, []string{"ES256"}},
		{"a key's own algorithm counts", nil, admin.IssuerFields{Keys: admin.IssuerKeys{JWKS: set(t, "PS512", rs.Public())}}, []string{"PS512"}},
		{"another source of keys replaces the first", nil, admin.IssuerFields{Keys: admin.IssuerKeys{Secret: []byte(secret)}}, []string{"HS256"}},
		{"algorithms alone can be chosen", nil, admin.IssuerFields{Algorithms: []string{"RS512", "PS384"}}, []string{"RS512", "PS384"}},
		{"and given back to the keys", []string{"PS256"}, admin.IssuerFields{Algorithms: []string{}}, []string{"RS256"}},
		{"other changes leave them alone", []string{"PS256"}, admin.IssuerFields{Disabled: ptr(true)}, []string{"PS256"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			_, _, err := o.CreateIssuer(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerFields: admin.IssuerFields{Keys: admin.IssuerKeys{JWKS: set(t, "", rs.Public())}, Algorithms: c.before}})
			o.must(err)
			i, _, err := o.UpdateIssuer(t.Context(), by, idp, c.after)
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
	_, _, err := o.CreateIssuer(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerFields: admin.IssuerFields{Keys: admin.IssuerKeys{Secret: []byte(secret)}}})
	o.must(err)
	_, _, err = o.UpdateIssuer(t.Context(), by, idp, admin.IssuerFields{Algorithms: []string{"RS256"}})
	wantInvalid(t, err, "--alg")
	_, warnings, err := o.UpdateIssuer(t.Context(), by, idp, admin.IssuerFields{RequireClientAuth: ptr(false)})
	o.must(err)
	if len(warnings) != 1 || !strings.Contains(said(warnings[0:]), "no scope") {
		t.Errorf("warnings: %q", warnings)
	}
}

func TestAnIssuerThatIsThereOrNot(t *testing.T) {
	o := newOffice(t)
	keys := admin.IssuerKeys{Secret: []byte(secret)}
	_, _, err := o.CreateIssuer(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerFields: admin.IssuerFields{Keys: keys}})
	o.must(err)
	if _, _, err := o.CreateIssuer(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerFields: admin.IssuerFields{Keys: keys}}); !errors.Is(err, store.ErrExists) {
		t.Errorf("created twice: %v", err)
	}
	all, err := o.Issuers(t.Context(), by, admin.Page{Limit: 10})
	if err != nil || len(all) != 1 {
		t.Errorf("listed %v, %v", all, err)
	}
	o.must(o.DeleteIssuer(t.Context(), by, idp))
	_, showErr := o.Issuer(t.Context(), by, idp)
	_, _, updateErr := o.UpdateIssuer(t.Context(), by, idp, admin.IssuerFields{})
	for _, err := range []error{showErr, updateErr, o.DeleteIssuer(t.Context(), by, idp)} {
		if !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "issuer list") {
			t.Errorf("got %v", err)
		}
	}
}
