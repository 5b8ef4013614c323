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
		{"several registrations share an iss", with(issuerSharedIss)},
		{"each source of keys comes back as it was", with(issuerSources)},
		{"an issuer with no source of keys or two is refused by the engine", with(issuerOneSource)},
		{"what no issuer can be is refused by the engine", with(issuerConstraints)},
		{"the algorithms of encrypted assertions are each listed once", with(issuerEncryptionAlgs)},
		{"what is taken, moved or missing is refused", with(issuerRefusals)},
	}
}

func anIssuer(id string) store.Issuer {
	return store.Issuer{
		ID: id, Iss: id, JWKS: json.RawMessage(`{"keys":[{"kty":"EC","kid":"1"}]}`), Algorithms: []string{"RS256", "ES256"},
		SubjectClaim: "sub", SubjectKind: store.SubjectUser, Scopes: oauth.Scope{"read"}, Resources: []string{"https://api.example.com"},
		ClientAuth: true, ClientID: "web", MaxLifetime: time.Hour, AllowRepeat: true, Version: 1, CreatedAt: at(0), UpdatedAt: at(0),
	}
}

// fullIssuer returns an issuer with all fields that fit together.
func fullIssuer(id string) store.Issuer {
	i := anIssuer(id)
	i.JWKS, i.Certificates, i.CACertificates = nil, [][]byte{{0x30, 0, 255}, {0x30}}, [][]byte{{1, 0}, {255}}
	i.ClockSkew, i.EncryptionAlg = 90*time.Second+time.Microsecond, "RSA-OAEP-256"
	i.SubjectClaim, i.SubjectKind = "/kubernetes.io/serviceaccount/name", store.SubjectFederated
	i.Audiences = []string{"https://kubernetes.default.svc.cluster.local", "sts.example"}
	i.RequiredClaims = []string{"nbf", "/a~1b/c~0d", `"quoted", {}`, ""}
	i.Patterns = []store.ClaimPattern{{"repository": "acme/*", "ref": "refs/heads/<main> & 'ü'"}, {"sub": "system:serviceaccount:ns:*"}, {}}
	i.ClaimMapping = map[string]string{"tenant": "/org/0/id", "repo": "repository"}
	return i
}

func issuerLife(t *testing.T, ctx context.Context, s store.Store) {
	want := anIssuer("https://idp.example.com")
	ok(t, s.CreateIssuer(ctx, anIssuer("urn:other"), By()))
	ok(t, s.CreateIssuer(ctx, want, By()))
	same(t, must[store.Issuer](t)(s.Issuer(ctx, want.ID)), want)

	full := fullIssuer(want.ID)
	full.UpdatedAt = at(time.Minute)
	ok(t, s.UpdateIssuer(ctx, full, By()))
	full.Version = 2
	same(t, must[store.Issuer](t)(s.Issuer(ctx, want.ID)), full)

	changed := store.Issuer{
		ID: want.ID, Iss: want.ID, SealedSecret: []byte{1, 2, 0}, Algorithms: []string{"HS256"}, SubjectClaim: "upn", SubjectKind: store.SubjectAny,
		Disabled: true, Version: 2, UpdatedAt: at(time.Hour),
	}
	ok(t, s.UpdateIssuer(ctx, changed, By()))
	changed.Version, changed.CreatedAt = 3, at(0)
	same(t, must[store.Issuer](t)(s.Issuer(ctx, want.ID)), changed)
	same(t, must[[]store.Issuer](t)(s.ListIssuers(ctx, store.Page{Limit: 10})), []store.Issuer{changed, anIssuer("urn:other")})
	same(t, must[[]store.Issuer](t)(s.ListIssuers(ctx, store.Page{After: "urn:other", Limit: 10})), nil)

	ok(t, s.DeleteIssuer(ctx, want.ID, By()))
	_, err := s.Issuer(ctx, want.ID)
	wantErr(t, err, store.ErrNotFound)
}

func issuerSharedIss(t *testing.T, ctx context.Context, s store.Store) {
	const iss = "https://kubernetes.default.svc.cluster.local"
	own, b, a := anIssuer(iss), anIssuer("cluster-b"), anIssuer("cluster-a")
	a.Iss, b.Iss, b.Disabled = iss, iss, true
	ok(t, s.CreateIssuer(ctx, own, By()))
	wantErr(t, s.CreateIssuer(ctx, b, By()), store.ErrConflict) // the caller did not compare it with own
	ok(t, s.CreateIssuer(ctx, b, By(), own))
	ok(t, s.CreateIssuer(ctx, a, By(), b, own))
	wantErr(t, s.CreateIssuer(ctx, anIssuer("https://another.example"), By(), own), store.ErrConflict)
	ok(t, s.CreateIssuer(ctx, anIssuer("https://another.example"), By()))
	same(t, must[[]store.Issuer](t)(s.IssuersOf(ctx, iss)), []store.Issuer{a, b, own})
	same(t, must[store.Issuer](t)(s.Issuer(ctx, "cluster-b")), b)
	for _, none := range []string{"cluster-a", "", "https://kubernetes.default.svc.cluster.local/", "HTTPS://kubernetes.default.svc.cluster.local"} {
		_, err := s.IssuersOf(ctx, none)
		wantErr(t, err, store.ErrNotFound)
	}
	_, err := s.Issuer(ctx, iss+"/")
	wantErr(t, err, store.ErrNotFound)

	a.Iss, a.AllowRepeat, a.UpdatedAt = "https://another.example", false, at(time.Hour) // an update cannot change the iss
	wantErr(t, s.UpdateIssuer(ctx, a, By(), own), store.ErrConflict)
	ok(t, s.UpdateIssuer(ctx, a, By(), own, b))
	a.Iss, a.Version = iss, 2
	same(t, must[store.Issuer](t)(s.Issuer(ctx, "cluster-a")), a)
	ok(t, s.DeleteIssuer(ctx, iss, By()))
	same(t, must[[]store.Issuer](t)(s.IssuersOf(ctx, iss)), []store.Issuer{a, b})
	b.UpdatedAt = at(time.Hour)
	wantErr(t, s.UpdateIssuer(ctx, b, By(), a, own), store.ErrConflict) // own was deleted
	old := a
	old.Version = 1
	wantErr(t, s.UpdateIssuer(ctx, b, By(), old), store.ErrConflict) // a was changed
	ok(t, s.UpdateIssuer(ctx, b, By(), a))

	empty := anIssuer("no iss")
	empty.Iss = "" // the iss is the ID
	ok(t, s.CreateIssuer(ctx, empty, By()))
	same(t, must[[]store.Issuer](t)(s.IssuersOf(ctx, "no iss")), []store.Issuer{anIssuer("no iss")})
}

func issuerSources(t *testing.T, ctx context.Context, s store.Store) {
	certificates := anIssuer("certificates")
	certificates.JWKS, certificates.Certificates = nil, [][]byte{{0x30, 0, 255}, {0x30}}
	secret := anIssuer("secret")
	secret.JWKS, secret.SealedSecret = nil, []byte{0, 1, 2}
	remote := anIssuer("remote")
	remote.JWKS, remote.JWKSURI = nil, "https://idp.example.com/keys"
	discovered := anIssuer("discovered")
	discovered.JWKS, discovered.Discovery = nil, true
	for _, want := range []store.Issuer{anIssuer("jwks"), certificates, secret, remote, discovered, fullIssuer("full")} {
		ok(t, s.CreateIssuer(ctx, want, By()))
		same(t, must[store.Issuer](t)(s.Issuer(ctx, want.ID)), want)
		want.UpdatedAt = at(time.Hour)
		ok(t, s.UpdateIssuer(ctx, want, By()))
		want.Version = 2
		same(t, must[store.Issuer](t)(s.Issuer(ctx, want.ID)), want)
	}
}

func issuerOneSource(t *testing.T, ctx context.Context, s store.Store) {
	sources := []func(*store.Issuer){
		func(i *store.Issuer) { i.JWKS = json.RawMessage(`{"keys":[]}`) },
		func(i *store.Issuer) { i.JWKSURI = "https://idp.example.com/keys" },
		func(i *store.Issuer) { i.Discovery = true },
		func(i *store.Issuer) { i.Certificates = [][]byte{{0x30}} },
		func(i *store.Issuer) { i.SealedSecret = []byte{1} },
	}
	good := anIssuer("good")
	ok(t, s.CreateIssuer(ctx, good, By()))
	for first := range sources {
		for second := range sources {
			i := anIssuer("bad")
			i.JWKS = nil
			if first != second { // or none at all if they are equal
				sources[first](&i)
				sources[second](&i)
			}
			refused(t, s.CreateIssuer(ctx, i, By()))
			i.ID = good.ID
			refused(t, s.UpdateIssuer(ctx, i, By()))
		}
	}
	same(t, must[store.Issuer](t)(s.Issuer(ctx, good.ID)), good)
}

func issuerConstraints(t *testing.T, ctx context.Context, s store.Store) {
	for name, change := range map[string]func(*store.Issuer){
		"a kind of subject that there is not":        func(i *store.Issuer) { i.SubjectKind = "machine" },
		"no algorithm":                               func(i *store.Issuer) { i.Algorithms = nil },
		"a clock skew below zero":                    func(i *store.Issuer) { i.ClockSkew = -time.Second },
		"certificates that may chain to nothing":     func(i *store.Issuer) { i.CACertificates = [][]byte{} },
		"a key set that is no JSON":                  func(i *store.Issuer) { i.JWKS = json.RawMessage("{") },
		"a longest lifetime of less than no seconds": func(i *store.Issuer) { i.MaxLifetime = -time.Second },
	} {
		i := anIssuer(name)
		change(&i)
		refused(t, s.CreateIssuer(ctx, i, By()))
	}
	same(t, must[[]store.Issuer](t)(s.ListIssuers(ctx, store.Page{Limit: 10})), nil)
}

func issuerEncryptionAlgs(t *testing.T, ctx context.Context, s store.Store) {
	same(t, must[[]string](t)(s.EncryptionAlgs(ctx)), nil)
	for id, alg := range map[string]string{"signed": "", "a": "RSA-OAEP-256", "b": "ECDH-ES", "c": "RSA-OAEP-256", "d": "ECDH-ES+A256KW"} {
		i := anIssuer(id)
		i.EncryptionAlg = alg
		ok(t, s.CreateIssuer(ctx, i, By()))
	}
	same(t, must[[]string](t)(s.EncryptionAlgs(ctx)), []string{"ECDH-ES", "ECDH-ES+A256KW", "RSA-OAEP-256"})
	ok(t, s.DeleteIssuer(ctx, "b", By()))
	same(t, must[[]string](t)(s.EncryptionAlgs(ctx)), []string{"ECDH-ES+A256KW", "RSA-OAEP-256"})
}

func issuerRefusals(t *testing.T, ctx context.Context, s store.Store) {
	i := anIssuer("https://idp.example.com")
	wantErr(t, s.UpdateIssuer(ctx, i, By()), store.ErrNotFound)
	wantErr(t, s.DeleteIssuer(ctx, i.ID, By()), store.ErrNotFound)
	ok(t, s.CreateIssuer(ctx, i, By()))
	wantErr(t, s.CreateIssuer(ctx, i, By()), store.ErrExists)
	ok(t, s.UpdateIssuer(ctx, i, By()))
	wantErr(t, s.UpdateIssuer(ctx, i, By()), store.ErrConflict)
}
