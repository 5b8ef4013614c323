package handlers

import (
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"authserver/internal/clientauth"
	"authserver/internal/grants"
	"authserver/internal/keys"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/tokens"
)

// BenchmarkRequests measures a request without net/http and the signature.
func BenchmarkRequests(b *testing.B) {
	s := newSite(b)
	s.Door.Logger = telemetry.NewLogger(io.Discard, slog.LevelInfo, "json")
	s.cacheReads()
	public := s.public(time.Minute)
	post := func(path string, form url.Values) *http.Request {
		request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.SetBasicAuth("web", secret)
		return request
	}
	asked := url.Values{"grant_type": {"client_credentials"}, "resource": {apiID}}
	issued := httptest.NewRecorder()
	public.ServeHTTP(issued, post(TokenPath, asked))
	_, rest, _ := strings.Cut(issued.Body.String(), `"access_token":"`)
	token, _, _ := strings.Cut(rest, `"`)
	for name, request := range map[string]func() *http.Request{
		"client_credentials": func() *http.Request { return post(TokenPath, asked) },
		"introspection":      func() *http.Request { return post(IntrospectPath, url.Values{"token": {token}}) },
		"JWKS":               func() *http.Request { return httptest.NewRequest(http.MethodGet, JWKSPath, nil) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				answer := httptest.NewRecorder()
				public.ServeHTTP(answer, request())
				if answer.Code != http.StatusOK {
					b.Fatalf("%d %s", answer.Code, answer.Body)
				}
			}
		})
		b.Run(name+"/to be subtracted", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				httptest.NewRecorder().Body.Len()
				request()
			}
		})
	}
}

// cacheReads puts the caches of a server in front of the database.
func (s *site) cacheReads() {
	s.Helper()
	cached, err := store.NewCached(s.db, store.CacheOptions{Size: 10, TTL: time.Hour, AbsentTTL: time.Hour, Stale: time.Hour, Now: s.clock})
	s.ok(err)
	s.Clients.Authenticator, err = clientauth.New(cached, clientauth.SecretBasic{})
	s.ok(err)
	minter := &tokens.Minter{Issuer: issuer, Keys: s.Verifier.Keys.(*keys.Manager), MaxTTL: maxTTL, Rand: rand.Reader}
	s.Token.Grants, err = grants.NewRegistry(&grants.ClientCredentials{Issuing: grants.Issuing{Targets: &grants.Targets{Resources: cached}, Minter: minter}})
	s.ok(err)
}
