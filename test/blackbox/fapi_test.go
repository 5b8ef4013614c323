package blackbox

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/test/harness"
)

// fapiCase is a check of the FAPI 2.0 Security Profile: the difference from a right request, and
// its result.
type fapiCase struct {
	section string // of FAPI 2.0, or of an RFC that it refers to
	name    string
	change  func(t *testing.T, f *fapi, v variant, r *fapiRequest)
	refused string // the error; "": the answer has a token
}

// said changes the claims of the client's assertion; a nil value removes one.
func said(change claims) func(*testing.T, *fapi, variant, *fapiRequest) {
	return func(_ *testing.T, _ *fapi, _ variant, r *fapiRequest) {
		for name, value := range change {
			r.assertion.claims[name] = value
		}
	}
}

// proved changes the claims of the proof.
func proved(change claims) func(*testing.T, *fapi, variant, *fapiRequest) {
	return func(_ *testing.T, _ *fapi, _ variant, r *fapiRequest) {
		for name, value := range change {
			r.proofs[0].claims[name] = value
		}
	}
}

// at returns a moment relative to now, as a claim.
func at(d time.Duration) int64 { return time.Now().Add(d).Unix() }

// fapiCertificateCases are for clients that authenticate by a certificate.
func fapiCertificateCases() []fapiCase {
	return []fapiCase{
		{"§5.3.2.1-6", "no certificate", func(_ *testing.T, _ *fapi, _ variant, r *fapiRequest) { r.certificate = nil }, "invalid_client"},
		{"RFC 8705 §2", "a certificate of the same name that is not the client's", func(_ *testing.T, f *fapi, _ variant, r *fapiRequest) { r.certificate = f.another }, "invalid_client"},
		{"RFC 8705 §2", "no client_id", func(_ *testing.T, _ *fapi, _ variant, r *fapiRequest) { r.form.Del("client_id") }, "invalid_client"},
		{"§5.3.2.1-6", "a secret instead", func(_ *testing.T, _ *fapi, _ variant, r *fapiRequest) { r.certificate, r.secret = nil, "guess" }, "invalid_client"},
	}
}

// fapiAssertionCases are for clients that authenticate by private_key_jwt.
func fapiAssertionCases() []fapiCase {
	const endpoint, another = harness.Issuer + "/oauth2/token", "https://other.example.com"
	bySigning := func(change func(t *testing.T, f *fapi, v variant, s *signature)) func(*testing.T, *fapi, variant, *fapiRequest) {
		return func(t *testing.T, f *fapi, v variant, r *fapiRequest) { change(t, f, v, r.assertion) }
	}
	return []fapiCase{
		{"RFC 7523 §2.2", "without client_id beside it", func(_ *testing.T, _ *fapi, _ variant, r *fapiRequest) { r.form.Del("client_id") }, ""},
		{"§5.3.2.1-13", "iat and nbf 8 s in the future", said(claims{"iat": at(8 * time.Second), "nbf": at(8 * time.Second)}), ""},
		{"§5.3.2.1-13", "iat 5 min in the future", said(claims{"iat": at(5 * time.Minute), "exp": at(6 * time.Minute)}), "invalid_client"},
		{"§5.3.2.1-13", "nbf 5 min in the future", said(claims{"nbf": at(5 * time.Minute), "exp": at(6 * time.Minute)}), "invalid_client"},
		{"§5.3.2.1-6", "no assertion", func(_ *testing.T, _ *fapi, _ variant, r *fapiRequest) { r.assertion = nil }, "invalid_client"},
		{"§5.3.2.1-6", "a secret instead", func(_ *testing.T, _ *fapi, _ variant, r *fapiRequest) { r.assertion, r.secret = nil, "guess" }, "invalid_client"},
		{"RFC 6749 §2.3", "a secret beside it", func(_ *testing.T, _ *fapi, _ variant, r *fapiRequest) { r.secret = "guess" }, "invalid_request"},
		{"RFC 7521 §4.2", "another client_id beside it", func(_ *testing.T, _ *fapi, _ variant, r *fapiRequest) { r.form.Set("client_id", "ca-mtls") }, "invalid_request"},
		{"§5.3.2.1-8", "aud is the token endpoint", said(claims{"aud": endpoint}), "invalid_client"},
		{"§5.3.2.1-8", "aud is an array with the issuer", said(claims{"aud": []string{harness.Issuer}}), "invalid_client"},
		{"§5.3.2.1-8", "aud is the issuer and the token endpoint", said(claims{"aud": []string{harness.Issuer, endpoint}}), "invalid_client"},
		{"§5.3.2.1-8", "aud is the issuer with a slash", said(claims{"aud": harness.Issuer + "/"}), "invalid_client"},
		{"RFC 7523 §3-3", "aud is another server", said(claims{"aud": another}), "invalid_client"},
		{"RFC 7523 §3-3", "no aud", said(claims{"aud": nil}), "invalid_client"},
		{"RFC 7523 §3-1", "no iss", said(claims{"iss": nil}), "invalid_client"},
		{"RFC 7523 §3-2", "no sub", said(claims{"sub": nil}), "invalid_client"},
		{"RFC 7523 §3-2", "sub is another client", said(claims{"sub": "ca-mtls"}), "invalid_client"},
		{"RFC 7523 §3-4", "no exp", said(claims{"exp": nil}), "invalid_client"},
		{"RFC 7523 §3-4", "exp 5 min in the past", said(claims{"exp": at(-5 * time.Minute)}), "invalid_client"},
		{"RFC 7523 §3-4", "exp a day ahead", said(claims{"exp": at(24 * time.Hour)}), "invalid_client"},
		{"§5.4.1-2", "RS256, under the client's own key where it is of RSA", bySigning(func(_ *testing.T, f *fapi, _ variant, s *signature) { s.alg, s.key = "RS256", f.keys["PS256"] }), "invalid_client"},
		{"§5.4.1-3, RFC 8725 §3.2", "alg none", bySigning(func(_ *testing.T, _ *fapi, _ variant, s *signature) { s.alg = "none" }), "invalid_client"},
		{"RFC 8725 §2.1", "HS256 under the public key", bySigning(func(t *testing.T, f *fapi, v variant, s *signature) {
			s.alg, s.key = "HS256", publicPEM(t, f.keys[v.alg])
		}), "invalid_client"},
		{"RFC 8725 §3.10", "a key that comes along", bySigning(func(t *testing.T, f *fapi, v variant, s *signature) {
			s.key = f.strangers[v.alg]
			public, err := jwk.FromRaw(f.strangers[v.alg].Public())
			if err != nil {
				t.Fatal(err)
			}
			s.header = map[string]any{"jwk": public}
		}), "invalid_client"},
		{"RFC 7523 §3-9", "another's key", bySigning(func(_ *testing.T, f *fapi, v variant, s *signature) { s.key = f.strangers[v.alg] }), "invalid_client"},
		{"RFC 8725 §3.11", "typ of an access token", bySigning(func(_ *testing.T, _ *fapi, _ variant, s *signature) { s.header["typ"] = "at+jwt" }), "invalid_client"},
	}
}

// fapiProofCases are for clients whose tokens are bound by DPoP (§5.3.2.1-5).
func fapiProofCases() []fapiCase {
	bySigning := func(change func(t *testing.T, f *fapi, v variant, s *signature)) func(*testing.T, *fapi, variant, *fapiRequest) {
		return func(t *testing.T, f *fapi, v variant, r *fapiRequest) { change(t, f, v, &r.proofs[0]) }
	}
	const refused = "invalid_dpop_proof"
	return []fapiCase{
		{"§5.3.2.1-13", "iat 8 s in the future", proved(claims{"iat": at(8 * time.Second)}), ""},
		{"RFC 9449 §4.3-9", "htu with a query and a fragment", proved(claims{"htu": harness.Issuer + "/oauth2/token?a=b#c"}), ""},
		{"§5.3.2.1-4", "no proof", func(_ *testing.T, _ *fapi, _ variant, r *fapiRequest) { r.proofs = nil }, refused},
		{"RFC 9449 §4.3-1", "two proofs", func(t *testing.T, f *fapi, v variant, r *fapiRequest) {
			r.proofs = append(r.proofs, f.proof(t, v.alg, f.keys[v.alg]))
		}, refused},
		{"RFC 9449 §4.3-3", "no jti", proved(claims{"jti": nil}), refused},
		{"RFC 9449 §4.3-3", "no htm", proved(claims{"htm": nil}), refused},
		{"RFC 9449 §4.3-3", "no htu", proved(claims{"htu": nil}), refused},
		{"RFC 9449 §4.3-3", "no iat", proved(claims{"iat": nil}), refused},
		{"RFC 9449 §4.3-4", "typ is another", bySigning(func(_ *testing.T, _ *fapi, _ variant, s *signature) { s.header["typ"] = "JWT" }), refused},
		{"RFC 9449 §4.3-5, §5.4.1-2", "RS256", bySigning(func(t *testing.T, f *fapi, _ variant, s *signature) { *s = f.proof(t, "RS256", f.keys["PS256"]) }), refused},
		{"RFC 9449 §4.3-5, §5.4.1-2", "ES384", bySigning(func(t *testing.T, f *fapi, _ variant, s *signature) { *s = f.proof(t, "ES384", f.strangers["ES384"]) }), refused},
		{"RFC 9449 §4.3-5", "alg none", bySigning(func(_ *testing.T, _ *fapi, _ variant, s *signature) { s.alg = "none" }), refused},
		{"RFC 9449 §4.3-6", "signed by another key", bySigning(func(_ *testing.T, f *fapi, v variant, s *signature) { s.key = f.strangers[v.alg] }), refused},
		{"RFC 9449 §4.3-7", "the private key in it", bySigning(func(t *testing.T, f *fapi, v variant, s *signature) {
			private, err := jwk.FromRaw(f.keys[v.alg])
			if err != nil {
				t.Fatal(err)
			}
			s.header["jwk"] = private
		}), refused},
		{"RFC 9449 §4.3-8", "htm is another", proved(claims{"htm": "GET"}), refused},
		{"RFC 9449 §4.3-9", "htu is another", proved(claims{"htu": "https://other.example.com/oauth2/token"}), refused},
		{"RFC 9449 §4.3-9", "htu is the issuer", proved(claims{"htu": harness.Issuer}), refused},
		{"RFC 9449 §4.3-11, §5.3.2.1-13", "iat 5 min in the future", proved(claims{"iat": at(5 * time.Minute)}), refused},
		{"RFC 9449 §4.3-11", "iat 10 min ago", proved(claims{"iat": at(-10 * time.Minute)}), refused},
	}
}

// fapiAnyCases are for every client.
func fapiAnyCases() []fapiCase {
	asked := func(name, value string) func(*testing.T, *fapi, variant, *fapiRequest) {
		return func(_ *testing.T, _ *fapi, _ variant, r *fapiRequest) { r.form.Set(name, value) }
	}
	return []fapiCase{
		{"RFC 6749 §4.4", "as it is", func(*testing.T, *fapi, variant, *fapiRequest) {}, ""},
		{"RFC 6749 §3.3", "a scope that it may have", asked("scope", "read"), ""},
		{"RFC 6749 §3.3", "a scope that it may not have", asked("scope", "write"), "invalid_scope"},
		{"RFC 8707 §2", "a resource that it may not have", asked("resource", "https://other.example.com"), "invalid_target"},
		{"§5.3.2.1-2", "the password grant", func(_ *testing.T, _ *fapi, v variant, r *fapiRequest) {
			r.form = url.Values{"client_id": {v.id}, "grant_type": {"password"}, "username": {"alice"}, "password": {"x"}}
		}, "unauthorized_client"},
	}
}

// These are the checks of the FAPI 2.0 Security Profile for client_credentials
// (fapi_profile=fapi_client_credentials_grant), for each variant of the plan.
func TestFAPI2(t *testing.T) {
	t.Parallel()
	f := newFAPI(t)
	for _, v := range variants() {
		cases := fapiAnyCases()
		if v.byKey {
			cases = append(cases, fapiAssertionCases()...)
		} else {
			cases = append(cases, fapiCertificateCases()...)
		}
		if v.dpop {
			cases = append(cases, fapiProofCases()...)
		} else if v.byKey {
			cases = append(cases, fapiCase{"§5.3.2.1-4, RFC 8705 §3.4", "no certificate", func(_ *testing.T, _ *fapi, _ variant, r *fapiRequest) { r.certificate = nil }, "invalid_request"})
		}
		t.Run(v.id, func(t *testing.T) {
			for _, c := range cases {
				t.Run(fmt.Sprintf("%s (%s)", c.name, c.section), func(t *testing.T) {
					r := f.good(t, v)
					c.change(t, f, v, r)
					answer, refused := f.send(t, r)
					if refused != c.refused {
						t.Fatalf("answered %v, want %q", answer, c.refused)
					}
					if refused == "" {
						f.check(t, v, r, answer)
					}
				})
			}
			t.Run("an assertion or a proof that comes again (RFC 7523 §3-7, RFC 9449 §11.1)", func(t *testing.T) { f.again(t, v) })
		})
	}
}

// check requires the answer and the token of a right request.
func (f *fapi) check(t *testing.T, v variant, r *fapiRequest, answer map[string]any) {
	t.Helper()
	wantType := map[bool]string{true: "DPoP", false: "Bearer"}[v.dpop] // RFC 9449 §5
	if answer["token_type"] != wantType || answer["scope"] != "read" || answer["refresh_token"] != nil {
		t.Errorf("answered %v", answer)
	}
	token, _ := answer["access_token"].(string)
	header, said := decoded(t, decodePart(t, token, 0)), decoded(t, decodePart(t, token, 1))
	if diff := cmp.Diff(any(f.bindingOf(t, r)), said["cnf"]); diff != "" { // §5.3.2.1-4, -5
		t.Error(diff)
	}
	if !slices.Contains(fapiAlgs(), fmt.Sprint(header["alg"])) || header["typ"] != "at+jwt" || said["sub"] != v.id || said["aud"] != fapiAPI { // §5.4.1
		t.Errorf("the token is %v, %v", header, said)
	}
}

// again sends each single use a second time.
func (f *fapi) again(t *testing.T, v variant) {
	first := f.good(t, v)
	if answer, refused := f.send(t, first); refused != "" {
		t.Fatalf("answered %v", answer)
	}
	if v.byKey {
		second := f.good(t, v)
		second.assertion = first.assertion
		if _, refused := f.send(t, second); refused != "invalid_client" {
			t.Errorf("an assertion that comes again: %q", refused)
		}
	}
	if v.dpop {
		second := f.good(t, v)
		second.proofs = first.proofs
		if _, refused := f.send(t, second); refused != "invalid_dpop_proof" {
			t.Errorf("a proof that comes again: %q", refused)
		}
	}
}

func publicPEM(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}
