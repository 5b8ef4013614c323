package blackbox

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"authserver/internal/testkit"
	"authserver/test/harness"
)

// marker is in every assertion of the attacks, and must be in no answer.
const marker = "MARKER-of-who-attacks"

// door is an endpoint that accepts an assertion: the registered signer, its key, and
// the refusal of the endpoint.
type door struct {
	name     string
	id       string // the claim "iss"
	sub      string
	alg      string
	header   string            // of a good assertion, without its last brace
	ec       *ecdsa.PrivateKey // registered as e1
	rsa      *rsa.PrivateKey   // registered as r1
	secret   []byte            // shared; nil: it signs with ec and rsa
	stranger any               // the key of a neighbour, who is registered under the same kid
	neighbor string            // the neighbour's "iss"
	typ      string            // the header "typ" of assertions for the other kind of endpoint
	code     string
	status   int
	reasons  map[verdict]string
	replayed string // the reason of an assertion that was used
	grant    bool   // the assertion is a grant, and not client authentication
}

// doors registers the signers that are attacked.
func doors(t *testing.T, f *fixture, l *lure) []*door {
	t.Helper()
	ec := newHolder(t).key
	keys := f.File("attacked.jwks", jwkSet(t, map[string]any{"e1": ec.Public(), "r1": f.rsa.Public()}))
	neighbor := f.File("neighbor.jwks", l.jwks)
	limits := []string{"--scope", "read", "--resource", apiRS256}
	trust := append([]string{"--require-client-auth=false"}, limits...)
	credentials := append([]string{"--grant", "client_credentials"}, limits...)
	const issuer, sharer, other = "https://attacked.example.com", "https://sharer.example.com", "https://neighbor.example.com"
	f.Run(append([]string{"issuer", "create", "--iss", issuer, "--jwks-file", keys}, trust...)...)
	f.Run(append([]string{"issuer", "create", "--iss", other, "--jwks-file", neighbor}, trust...)...)
	f.Run(append([]string{"client", "create", "--id", "signer", "--auth-method", "private_key_jwt", "--jwks-file", keys}, credentials...)...)
	f.Run(append([]string{"client", "create", "--id", "neighbor", "--auth-method", "private_key_jwt", "--jwks-file", neighbor}, credentials...)...)
	shared, strange := rand.Text()+rand.Text(), rand.Text()+rand.Text()
	f.Run(append([]string{"issuer", "create", "--iss", sharer, "--secret-file", f.File("shared.txt", shared)}, trust...)...)
	f.Run(append([]string{"issuer", "create", "--iss", sharer + "/2", "--secret-file", f.File("strange.txt", strange)}, trust...)...)
	hmacClient := f.client("hmac-signer", append([]string{"--auth-method", "client_secret_jwt"}, credentials...)...)
	hmacNeighbor := f.client("hmac-neighbor", append([]string{"--auth-method", "client_secret_jwt"}, credentials...)...)

	byKey := door{alg: "ES256", header: `{"alg":"ES256","kid":"e1"`, ec: ec, rsa: f.rsa, stranger: l.key}
	bySecret := door{alg: "HS256", header: `{"alg":"HS256"`}
	return []*door{
		byKey.asGrant("jwt-bearer, under keys", issuer, other),
		bySecret.sharing(shared, strange).asGrant("jwt-bearer, under a shared secret", sharer, sharer+"/2"),
		byKey.asClient("private_key_jwt", "signer", "neighbor", map[verdict]string{algOfKeys: "client_proof", algOfSecrets: "client_auth_method"}),
		bySecret.sharing(hmacClient.Secret, hmacNeighbor.Secret).asClient("client_secret_jwt", "hmac-signer", "hmac-neighbor",
			map[verdict]string{algOfKeys: "client_auth_method", algOfSecrets: "client_proof"}),
	}
}

func (d door) sharing(secret, stranger string) door {
	d.secret, d.stranger = []byte(secret), []byte(stranger)
	return d
}

func (d door) asGrant(name, iss, neighbor string) *door {
	d.name, d.id, d.neighbor, d.sub, d.grant, d.typ = name, iss, neighbor, "alice", true, "client-authentication+jwt"
	d.status, d.code, d.replayed = http.StatusBadRequest, "invalid_grant", "assertion_replayed"
	d.reasons = map[verdict]string{
		malformed: "assertion_malformed", refused: "assertion_refused", algOfKeys: "assertion_refused", algOfSecrets: "assertion_refused",
		encrypted: "assertion_undecryptable", unknown: "issuer_unknown",
	}
	return &d
}

func (d door) asClient(name, id, neighbor string, reasons map[verdict]string) *door {
	d.name, d.id, d.neighbor, d.sub, d.typ = name, id, neighbor, id, "authorization-grant+jwt"
	d.status, d.code, d.replayed = http.StatusUnauthorized, "invalid_client", "client_proof"
	d.reasons = map[verdict]string{
		malformed: "client_assertion_malformed", refused: "client_proof", encrypted: "client_assertion_malformed", unknown: "client_unknown",
	}
	maps.Copy(d.reasons, reasons)
	return &d
}

// ask presents an assertion.
func (d *door) ask(t *testing.T, s *harness.Server, assertion string) harness.Answer {
	t.Helper()
	if d.grant {
		return s.Token(t, harness.Credentials{}, bearer(assertion))
	}
	return s.Token(t, harness.Credentials{}, signedBy(assertion, clientCredentials()))
}

// payload returns the claims of a new good assertion, with changes; a nil one removes a claim.
func (d *door) payload(t *testing.T, change claims) string {
	t.Helper()
	all := claims{"jti": marker + uuid.NewString(), "note": marker + uuid.NewString()}
	maps.Copy(all, change)
	data, err := json.Marshal(assertionClaims(d.id, d.sub, all))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// signed returns an assertion that is good except for the changes.
func (d *door) signed(t *testing.T, change claims) string {
	t.Helper()
	return d.signs(t, d.header+"}", d.payload(t, change))
}

// headed returns a good assertion with more members in its header.
func (d *door) headed(t *testing.T, members string) string {
	t.Helper()
	return d.signs(t, d.header+","+members+"}", d.payload(t, nil))
}

// signs signs any header and payload with the registered key.
func (d *door) signs(t *testing.T, header, payload string) string {
	t.Helper()
	if d.secret != nil {
		return forge(t, d.alg, d.secret, header, payload)
	}
	return forge(t, d.alg, d.ec, header, payload)
}

// strange returns an assertion that the neighbour has signed.
func (d *door) strange(t *testing.T, header string) string {
	t.Helper()
	return forge(t, d.alg, d.stranger, header, d.payload(t, nil))
}

// forge signs a header and a payload unchanged, whatever they contain. A secret is for HS256, and
// may have any length.
func forge(t *testing.T, alg string, key any, header, payload string) string {
	t.Helper()
	if secret, ok := key.([]byte); ok {
		input := encode(header) + "." + encode(payload)
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		return input + "." + encode(string(mac.Sum(nil)))
	}
	return testkit.JWS(t, alg, key, header, payload)
}
