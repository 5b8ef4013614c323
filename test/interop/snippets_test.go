//go:build interop

package interop

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"golang.org/x/oauth2"

	"authserver/test/harness"
)

// presented is a token for a snippet.
type presented struct {
	name, issuer, audience, token string
	subject                       string // "": it must be refused
}

// TestSnippets runs the snippets of docs/verify.md with tokens of the server, and with tokens of a
// stand-in that the server would never make.
func TestSnippets(t *testing.T) {
	snippets := install(t).snippets(t)
	cases := append(fromServer(t, register(t, harness.SQLite(t))), fromStandIn(t)...)
	for name, command := range snippets {
		t.Run(name, func(t *testing.T) {
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) { c.present(t, command) })
			}
		})
	}
}

func (i installed) snippets(t *testing.T) map[string][]string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "verify")
	run(t, "snippets/go", "go", "build", "-o", binary, ".")
	classes := t.TempDir() // compiled once: java Verify.java would compile each time
	run(t, "snippets", "javac", briefly("-J", "-classpath", i.jars, "-d", classes, "Verify.java")...)
	return map[string][]string{
		"go":     {binary},
		"node":   {"node", filepath.Join(i.nodeFolder(t, "snippets/verify.mjs"), "verify.mjs")},
		"python": {i.python, "snippets/verify.py"},
		"java":   append([]string{"java"}, briefly("", "-classpath", classes+string(os.PathListSeparator)+i.jars, "Verify")...),
	}
}

func (c presented) present(t *testing.T, argv []string) {
	ctx, cancel := context.WithTimeout(t.Context(), programTimeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	command := foreign(ctx, append(append([]string{}, argv...), c.issuer, c.audience, c.token)...)
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	if command.ProcessState == nil {
		t.Fatal(err)
	}
	code, wantCode, wantOut := command.ProcessState.ExitCode(), 0, c.subject+"\n"
	if c.subject == "" {
		wantCode, wantOut = 1, ""
	}
	if code != wantCode || stdout.String() != wantOut {
		t.Errorf("exit code %d and %q, want %d and %q\n%s", code, stdout.String(), wantCode, wantOut, stderr.String())
	}
}

func fromServer(t *testing.T, w *world) []presented {
	t.Helper()
	var cases []presented
	for _, alg := range algorithms() {
		app, target := w.Clients[alg], w.Resources[alg]
		config := clientCredentials(w, app, oauth2.AuthStyleInHeader, target.ID)
		answer, err := config.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		token := answer.AccessToken
		cases = append(cases,
			presented{alg + " good", w.Issuer, target.ID, token, app.ID},
			presented{alg + " for another audience", w.Issuer, target.Other, token, ""},
			presented{alg + " altered", w.Issuer, target.ID, alter(t, token), ""},
		)
	}
	return append(cases, presented{"not a token", w.Issuer, w.Resources["RS256"].ID, "nonsense", ""})
}

// fromStandIn makes tokens like the server's, each with one fault, under a key that is published
// like the server's keys.
func fromStandIn(t *testing.T) []presented {
	t.Helper()
	const kid, audience = "stand-in", "https://api.example.com"
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issuer := publish(t, key, kid)
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})

	now := time.Now()
	claims := map[string]any{
		"iss": issuer, "sub": "alice", "aud": audience, "client_id": "app", "jti": "1", "scope": "read",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	but := func(name string, value any) map[string]any {
		changed := maps.Clone(claims)
		if changed[name] = value; value == nil {
			delete(changed, name)
		}
		return changed
	}
	header := func(typ string) map[string]any { return map[string]any{"typ": typ, "kid": kid} }
	at := header("at+jwt")
	unsigned := signed(t, jwa.ES256, key, at, claims)
	return []presented{
		{"stand-in: good", issuer, audience, signed(t, jwa.ES256, key, at, claims), "alice"},
		{"stand-in: several audiences", issuer, audience, signed(t, jwa.ES256, key, at, but("aud", []string{"https://other.example", audience})), "alice"},
		{"stand-in: expired", issuer, audience, signed(t, jwa.ES256, key, at, but("exp", now.Add(-2*time.Minute).Unix())), ""},
		{"stand-in: without expiry", issuer, audience, signed(t, jwa.ES256, key, at, but("exp", nil)), ""},
		{"stand-in: without audience", issuer, audience, signed(t, jwa.ES256, key, at, but("aud", nil)), ""},
		{"stand-in: not good yet", issuer, audience, signed(t, jwa.ES256, key, at, but("nbf", now.Add(10*time.Minute).Unix())), ""},
		{"stand-in: of another issuer", issuer, audience, signed(t, jwa.ES256, key, at, but("iss", "https://other.example")), ""},
		{"stand-in: another kind of JWT", issuer, audience, signed(t, jwa.ES256, key, header("JWT"), claims), ""},
		{"stand-in: under a key that is not published", issuer, audience, signed(t, jwa.ES256, stranger, at, claims), ""},
		{"stand-in: HS256 under the public key", issuer, audience, signed(t, jwa.HS256, public, at, claims), ""},
		{"stand-in: without signature", issuer, audience, unsigned[:strings.LastIndexByte(unsigned, '.')+1], ""},
		{"stand-in: alg none", issuer, audience, algNone(t, kid, claims), ""},
	}
}

// publish serves the key like the server, and returns the issuer.
func publish(t *testing.T, key *ecdsa.PrivateKey, kid string) string {
	t.Helper()
	public, err := jwk.FromRaw(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{jwk.KeyIDKey: kid, jwk.AlgorithmKey: jwa.ES256, jwk.KeyUsageKey: "sig"} {
		if err := public.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	set := jwk.NewSet()
	if err := set.AddKey(public); err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // if it fails, the verifier is gone
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func signed(t *testing.T, alg jwa.SignatureAlgorithm, key any, header, claims map[string]any) string {
	t.Helper()
	protected := jws.NewHeaders()
	for name, value := range header {
		if err := protected.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.Sign(payload, jws.WithKey(alg, key, jws.WithProtectedHeaders(protected)))
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}

func algNone(t *testing.T, kid string, claims map[string]any) string {
	t.Helper()
	header, err := json.Marshal(map[string]any{"alg": "none", "typ": "at+jwt", "kid": kid})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload) + "."
}
