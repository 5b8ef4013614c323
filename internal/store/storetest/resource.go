package storetest

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

func resourceTests() []test {
	return []test{
		{"a resource is created, read, updated, listed and deleted", with(resourceLife)},
		{"what is taken, moved or missing is refused", with(resourceRefusals)},
		{"an encryption key comes with its algorithm, or neither", with(resourceEncryption)},
		{"an access token has one of two types", with(resourceTokenTyp)},
	}
}

func aResource(id string) store.Resource {
	return store.Resource{
		ID: id, Name: "API", Scopes: oauth.Scope{"write", "read"}, AccessTokenTTL: 15 * time.Minute, SigningAlg: "ES256",
		EncryptionJWK: json.RawMessage(`{"kty":"EC", "kid":"ü","alg":"ECDH-ES"}`), EncryptionEnc: "A256GCM", TokenTyp: "JWT",
		Claims: aClaims(), Version: 1, CreatedAt: at(0), UpdatedAt: at(0),
	}
}

func resourceLife(t *testing.T, ctx context.Context, s store.Store) {
	want := aResource("https://api.example.com")
	ok(t, s.CreateResource(ctx, aResource("https://b.example.com"), By()))
	ok(t, s.CreateResource(ctx, want, By()))
	same(t, must[store.Resource](t)(s.Resource(ctx, want.ID)), want)

	changed := store.Resource{ID: want.ID, AccessTokenTTL: time.Second, SigningAlg: "RS256", Version: 1, UpdatedAt: at(time.Hour)}
	ok(t, s.UpdateResource(ctx, changed, By()))
	changed.Version, changed.CreatedAt = 2, at(0)
	same(t, must[store.Resource](t)(s.Resource(ctx, want.ID)), changed)

	other := aResource("https://c.example.com")
	other.SigningAlg = "EdDSA"
	ok(t, s.CreateResource(ctx, other, By()))
	same(t, must[[]string](t)(s.SigningAlgs(ctx)), []string{"ES256", "EdDSA", "RS256"})
	ok(t, s.DeleteResource(ctx, other.ID, By()))
	same(t, must[[]string](t)(s.SigningAlgs(ctx)), []string{"ES256", "RS256"})
	client := aClient("of its own")
	client.IDTokenAlg, client.UserinfoAlg = "PS256", "ES384"
	ok(t, s.CreateClient(ctx, client, By()))
	same(t, must[[]string](t)(s.SigningAlgs(ctx)), []string{"ES256", "ES384", "PS256", "RS256"})

	list := must[[]store.Resource](t)(s.ListResources(ctx, store.Page{Limit: 10}))
	same(t, list, []store.Resource{changed, aResource("https://b.example.com")})
	list = must[[]store.Resource](t)(s.ListResources(ctx, store.Page{After: want.ID, Limit: 10}))
	same(t, list, []store.Resource{aResource("https://b.example.com")})

	ok(t, s.DeleteResource(ctx, want.ID, By()))
	_, err := s.Resource(ctx, want.ID)
	wantErr(t, err, store.ErrNotFound)
}

func resourceRefusals(t *testing.T, ctx context.Context, s store.Store) {
	r := aResource("https://api.example.com")
	wantErr(t, s.UpdateResource(ctx, r, By()), store.ErrNotFound)
	wantErr(t, s.DeleteResource(ctx, r.ID, By()), store.ErrNotFound)
	ok(t, s.CreateResource(ctx, r, By()))
	wantErr(t, s.CreateResource(ctx, r, By()), store.ErrExists)
	ok(t, s.UpdateResource(ctx, r, By()))
	wantErr(t, s.UpdateResource(ctx, r, By()), store.ErrConflict)
}

func resourceTokenTyp(t *testing.T, ctx context.Context, s store.Store) {
	for _, typ := range []string{"jwt", "dpop+jwt", "at+jwt"} { // the last is ""
		r := aResource("https://api.example.com")
		r.TokenTyp = typ
		refused(t, s.CreateResource(ctx, r, By()))
	}
	r := aResource("https://api.example.com")
	r.TokenTyp = ""
	ok(t, s.CreateResource(ctx, r, By()))
	same(t, must[store.Resource](t)(s.Resource(ctx, r.ID)), r)
	r.TokenTyp = "logout+jwt"
	refused(t, s.UpdateResource(ctx, r, By()))
}

func resourceEncryption(t *testing.T, ctx context.Context, s store.Store) {
	want := aResource("https://api.example.com")
	want.EncryptionJWK, want.EncryptionEnc = nil, ""
	ok(t, s.CreateResource(ctx, want, By()))
	same(t, must[store.Resource](t)(s.Resource(ctx, want.ID)), want)
	for _, change := range []func(*store.Resource){
		func(r *store.Resource) { r.EncryptionJWK = nil },
		func(r *store.Resource) { r.EncryptionEnc = "" },
		func(r *store.Resource) { r.EncryptionJWK = json.RawMessage("{") },
	} {
		r := aResource(want.ID)
		change(&r)
		refused(t, s.UpdateResource(ctx, r, By()))
		r.ID = "https://b.example.com"
		refused(t, s.CreateResource(ctx, r, By()))
	}
	want = aResource(want.ID)
	ok(t, s.UpdateResource(ctx, want, By()))
	want.Version = 2
	same(t, must[store.Resource](t)(s.Resource(ctx, want.ID)), want)
}
