package blackbox

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/jose"
	"authserver/internal/testkit"
	"authserver/test/harness"
)

// fapi is a server at which TLS ends, with clients of the profile fapi2: a client for each
// algorithm, each authentication method and each way to bind a token.
type fapi struct {
	*harness.Deployment
	server               *harness.Server
	own                  *pair // the server's certificate
	authority            *pair
	certificate, another *pair // of the clients, and one that belongs to no client
	keys                 map[string]crypto.Signer
	strangers            map[string]crypto.Signer // keys that belong to no client
}

// fapiAlgs returns the algorithms of FAPI 2.0 §5.4.1.
func fapiAlgs() []string { return []string{"PS256", "ES256", "EdDSA"} }

// variant is a client: its authentication method, the binding of its tokens, and its signing
// algorithm.
type variant struct {
	id         string
	byKey      bool // private_key_jwt; otherwise mtls
	dpop       bool // otherwise mtls
	alg        string
	parameters []string // of its registration
}

// variants returns those of the conformance suite's plan: private_key_jwt or mtls, dpop or mtls,
// with each algorithm.
func variants() []variant {
	var all []variant
	byKey, byCA := []string{"--auth-method", "private_key_jwt"}, []string{"--auth-method", "tls_client_auth", "--tls-subject-dn", "CN=fapi"}
	for _, alg := range fapiAlgs() {
		all = append(all,
			variant{"key-dpop-" + alg, true, true, alg, byKey},
			variant{"key-mtls-" + alg, true, false, alg, append(byKey[:2:2], "--tls-bound")},
			variant{"ca-dpop-" + alg, false, true, alg, append(byCA[:4:4], "--dpop-bound")})
	}
	return append(all, variant{"ca-mtls", false, false, "", byCA}, variant{"own-mtls", false, false, "", []string{"--auth-method", "self_signed_tls_client_auth"}})
}

const fapiAPI = "https://fapi.example.com"

func newFAPI(t *testing.T) *fapi {
	t.Helper()
	f := &fapi{Deployment: harness.SQLite(t), authority: authorityOf(t, "Clients CA"), keys: signersOf(t), strangers: signersOf(t)}
	named := x509.Certificate{Subject: pkix.Name{CommonName: "fapi"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	f.certificate, f.another = issue(t, f.authority, named), issue(t, nil, named)
	f.Set("TLS_CLIENT_CA_FILE", f.File("clients-ca.pem", f.authority.pem()))
	f.own = (&parties{Deployment: f.Deployment}).serving(t)
	f.Run("migrate", "up")
	f.Run("resource", "create", "--id", fapiAPI, "--scope", "read", "--signing-alg", "ES256")
	for _, v := range variants() {
		switch {
		case v.byKey: // the keys have no alg
			v.parameters = append(v.parameters, "--jwks-file", f.File(v.id+".jwks", jwksOf(t, f.keys[v.alg].Public(), "k")))
		case v.id == "own-mtls":
			v.parameters = append(v.parameters, "--certificate-file", f.File("own.pem", f.certificate.pem()))
		}
		f.Run(append([]string{"client", "create", "--id", v.id, "--profile", "fapi2", "--grant", "client_credentials", "--scope", "read", "--resource", fapiAPI}, v.parameters...)...)
	}
	f.server = f.Start()
	return f
}

// signersOf returns a key for each algorithm.
func signersOf(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]crypto.Signer{"PS256": rsaKey, "ES256": testkit.P256(t), "ES384": ecKey, "EdDSA": edKey}
}

// signature has the key, the header and the claims of a JWT in a request.
type signature struct {
	alg    string
	key    any
	header map[string]any // in addition to alg
	claims claims
}

func (s signature) jwt(t *testing.T) string {
	t.Helper()
	maps.DeleteFunc(s.claims, func(_ string, v any) bool { return v == nil })
	maps.DeleteFunc(s.header, func(_ string, v any) bool { return v == nil })
	if s.alg == "none" { // no library makes one
		header, err := json.Marshal(map[string]any{"alg": "none", "typ": s.header["typ"], "jwk": s.header["jwk"]})
		if err != nil {
			t.Fatal(err)
		}
		payload, err := json.Marshal(s.claims)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload) + "."
	}
	return sign(t, jwa.SignatureAlgorithm(s.alg), s.key, s.header, s.claims)
}

// fapiRequest is a token request, which a case changes.
type fapiRequest struct {
	form        url.Values
	assertion   *signature // nil: none
	proofs      []signature
	certificate *pair // nil: none
	secret      string
}

// good returns a request of a client that is right in everything.
func (f *fapi) good(t *testing.T, v variant) *fapiRequest {
	t.Helper()
	r := &fapiRequest{form: clientCredentials("client_id", v.id)}
	if v.byKey {
		now := time.Now()
		r.assertion = &signature{alg: v.alg, key: f.keys[v.alg], header: map[string]any{"kid": "k"}, claims: claims{
			"iss": v.id, "sub": v.id, "aud": harness.Issuer, "jti": uuid.NewString(), "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Minute).Unix(),
		}}
	}
	if !v.byKey || !v.dpop {
		r.certificate = f.certificate
	}
	if v.dpop {
		r.proofs = []signature{f.proof(t, v.alg, f.keys[v.alg])}
	}
	return r
}

// proof returns a proof for the token endpoint that is right in everything.
func (f *fapi) proof(t *testing.T, alg string, key crypto.Signer) signature {
	t.Helper()
	public, err := jwk.FromRaw(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return signature{alg: alg, key: key, header: map[string]any{"typ": "dpop+jwt", "jwk": public}, claims: claims{
		"jti": uuid.NewString(), "htm": "POST", "htu": harness.Issuer + "/oauth2/token", "iat": time.Now().Unix(),
	}}
}

// send sends the request, and returns the token, or the error.
func (f *fapi) send(t *testing.T, r *fapiRequest) (answer map[string]any, refused string) {
	t.Helper()
	if r.assertion != nil {
		signedBy(r.assertion.jwt(t), r.form)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.server.URL+"/oauth2/token", strings.NewReader(r.form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, proof := range r.proofs {
		request.Header.Add("DPoP", proof.jwt(t))
	}
	if r.secret != "" {
		request.SetBasicAuth(r.form.Get("client_id"), r.secret)
	}
	client := asking(t, f.own.certificate, nil)
	if r.certificate != nil {
		client = asking(t, f.own.certificate, r.certificate.tls())
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	answer = decoded(t, raw)
	if got := response.Header.Get("Cache-Control"); got != "no-store" { // RFC 6749 §5.1
		t.Errorf("Cache-Control is %q", got)
	}
	refused, _ = answer["error"].(string)
	if (response.StatusCode == http.StatusOK) != (refused == "") {
		t.Errorf("answered %d %s", response.StatusCode, raw)
	}
	return answer, refused
}

// jktOf returns the name of a key in "cnf" (RFC 7638).
func jktOf(t *testing.T, key crypto.Signer) string {
	t.Helper()
	public, err := jwk.FromRaw(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	thumbprint, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(thumbprint)
}

// bindingOf returns the claim "cnf" that the token of a good request has.
func (f *fapi) bindingOf(t *testing.T, r *fapiRequest) map[string]any {
	t.Helper()
	if len(r.proofs) > 0 {
		signer, ok := r.proofs[0].key.(crypto.Signer)
		if !ok {
			t.Fatalf("the proof is signed with %T", r.proofs[0].key)
		}
		return map[string]any{"jkt": jktOf(t, signer)}
	}
	return map[string]any{"x5t#S256": jose.Thumbprint256(r.certificate.certificate.Raw)}
}
