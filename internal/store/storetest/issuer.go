package storetest

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

func issuerTests() []test {
	return []test{
		{"an issuer is created, read, updated, listed and deleted", with(issuerLife)},
		{"each source of keys comes back as it was", with(issuerSources)},
		{"an issuer with no source of keys or two is refused by the engine", with(issuerOneSource)},
		{"what is taken, moved or missing is refused", with(issuerRefusals)},
	}
}

func anIssuer(id string) store.Issuer {
	return store.Issuer{
		ID: id, JWKS: json.RawMessage(`{"keys":[{"kty":"EC","kid":"1"}]}`), Algorithms: []string{"RS256", "ES256"},
		SubjectClaim: "sub", SubjectKind: store.SubjectUser, Scopes: oauth.Scope{"read"}, Resources: []string{"https://api.example.com"},
		ClientAuth: true, ClientID: "web", MaxLifetime: time.Hour, AllowRepeat: true, Version: 1, CreatedAt: at(0), UpdatedAt: at(0),
	}
}

func issuerLife(t *testing.T, ctx context.Context, s store.Store) {
	want := anIssuer("https://idp.example.com")
	ok(t, s.CreateIssuer(ctx, anIssuer("urn:other")))
	ok(t, s.CreateIssuer(ctx, want))
	same(t, must[store.Issuer](t)(s.Issuer(ctx, want.ID)), want)

	changed := store.Issuer{
		ID: want.ID, SealedSecret: []byte{1, 2, 0}, Algorithms: []string{"HS256"}, SubjectClaim: "upn", SubjectKind: store.SubjectAny,
		Disabled: true, Version: 1, UpdatedAt: at(time.Hour),
	}
	ok(t, s.UpdateIssuer(ctx, changed))
	changed.Version, changed.CreatedAt = 2, at(0)
	same(t, must[store.Issuer](t)(s.Issuer(ctx, want.ID)), changed)
	same(t, must[[]store.Issuer](t)(s.ListIssuers(ctx, store.Page{Limit: 10})), []store.Issuer{changed, anIssuer("urn:other")})
	same(t, must[[]store.Issuer](t)(s.ListIssuers(ctx, store.Page{After: "urn:other", Limit: 10})), nil)

	ok(t, s.DeleteIssuer(ctx, want.ID))
	_, err := s.Issuer(ctx, want.ID)
	wantErr(t, err, store.ErrNotFound)
}

func issuerSources(t *testing.T, ctx context.Context, s store.Store) {
	certificates := anIssuer("certificates")
	certificates.JWKS, certificates.Certificates = nil, [][]byte{{0x30, 0, 255}, {0x30}}
	secret := anIssuer("secret")
	secret.JWKS, secret.SealedSecret = nil, []byte{0, 1, 2}
	for _, want := range []store.Issuer{anIssuer("jwks"), certificates, secret} {
		ok(t, s.CreateIssuer(ctx, want))
		same(t, must[store.Issuer](t)(s.Issuer(ctx, want.ID)), want)
	}
}

func issuerOneSource(t *testing.T, ctx context.Context, s store.Store) {
	none := anIssuer("none")
	none.JWKS = nil
	two := anIssuer("two")
	two.SealedSecret = []byte{1}
	for _, i := range []store.Issuer{none, two} {
		if err := s.CreateIssuer(ctx, i); err == nil {
			t.Errorf("an issuer with %s sources was taken", i.ID)
		}
	}
}

func issuerRefusals(t *testing.T, ctx context.Context, s store.Store) {
	i := anIssuer("https://idp.example.com")
	wantErr(t, s.UpdateIssuer(ctx, i), store.ErrNotFound)
	wantErr(t, s.DeleteIssuer(ctx, i.ID), store.ErrNotFound)
	ok(t, s.CreateIssuer(ctx, i))
	wantErr(t, s.CreateIssuer(ctx, i), store.ErrExists)
	ok(t, s.UpdateIssuer(ctx, i))
	wantErr(t, s.UpdateIssuer(ctx, i), store.ErrConflict)
}
