package grants_test

import (
	"context"
	"crypto"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"authserver/internal/grants"
	"authserver/internal/keys"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/postgres"
	"authserver/internal/store/storetest"
	"authserver/test/pgtest"
	"authserver/test/sqlitetest"
)

// mishaps are the faults during a refresh.
type mishaps struct {
	cannotSign, panics bool // the key fails after it was found
	cannotEncode       bool // no key for refresh tokens
	lost               bool // the database loses its answer to the rotation
	down               bool // the database, before the rotation
	away               bool // and after the rotation
	leave              context.CancelFunc
}

// shakyKeys sign or fail according to the mishaps.
type shakyKeys struct {
	*keys.Manager
	*mishaps
}

func (k shakyKeys) Signer(alg string) (keys.Signer, error) {
	s, err := k.Manager.Signer(alg)
	if k.panics {
		panic("a bug in the signer")
	}
	if k.cannotSign {
		s.Key = brokenKey{s.Key}
	}
	return s, err
}

type brokenKey struct{ crypto.Signer }

func (brokenKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("the token was pulled out")
}

// shakyCodecKeys are the keys of refresh tokens.
type shakyCodecKeys struct {
	*keys.RefreshKeys
	*mishaps
}

func (k shakyCodecKeys) At(at time.Time) (uint32, []byte, bool) {
	if k.cannotEncode {
		return 0, nil, false
	}
	return k.RefreshKeys.At(at)
}

// shakyStore loses answers, and is sometimes gone.
type shakyStore struct {
	store.Families
	*mishaps
}

func (s shakyStore) Rotate(ctx context.Context, r store.Rotation) (store.RotationResult, error) {
	if s.down {
		return store.RotationResult{}, fmt.Errorf("%w: %w", errGone, store.ErrNotDone)
	}
	result, err := s.Families.Rotate(ctx, r)
	if s.leave != nil {
		s.leave()
	}
	if s.lost {
		return store.RotationResult{}, errGone
	}
	return result, err
}

func (s shakyStore) PutBack(ctx context.Context, r store.Rotation, was store.Outcome) error {
	if s.away {
		return errGone
	}
	return s.Families.PutBack(ctx, r, was)
}

// unmoved is a login with mishaps.
type unmoved struct {
	*world
	*mishaps
	once uint64
}

func newUnmoved(w *world) *unmoved {
	u := &unmoved{world: w, mishaps: &mishaps{}}
	st := shakyStore{w.db, u.mishaps}
	w.refresh.Families, w.refresh.PutBacks = st, &grants.PutBacks{Families: st}
	w.minter.Keys = shakyKeys{w.manager, u.mishaps}
	refreshKeys, known := w.codec.Keys.(*keys.RefreshKeys)
	if !known {
		w.Fatal("the keys of refresh tokens are others")
	}
	w.codec.Keys = shakyCodecKeys{refreshKeys, u.mishaps}
	return u
}

// present sends a refresh token with a proof that is good once, and reports panics as faults of the
// server.
func (u *unmoved) present(proof uint64, token string, parameters ...string) (a grants.Answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			a, err = grants.Answer{}, fmt.Errorf("panic: %v", p)
		}
	}()
	ctx, cancel := context.WithCancel(u.Context())
	defer cancel()
	if u.leave != nil {
		u.leave = cancel
	}
	r := u.ask(u.client("web"), append([]string{"refresh_token", token}, parameters...)...)
	use := store.Use{Issuer: "dpop", ExpiresAt: store.At(u.Now().Add(time.Hour))}
	binary.BigEndian.PutUint64(use.ID[:], proof)
	r.Once = []grants.SingleUse{{Use: use, OnReplay: func() *oauth.Error { return oauth.Fail(oauth.InvalidDPoPProof, "dpop_replayed", "used before") }}}
	return u.refresh.Exchange(ctx, r)
}

func (u *unmoved) family(token string) store.Family {
	u.Helper()
	presented, err := u.codec.Decode(token)
	u.ok(err)
	f, err := u.db.Family(u.Context(), presented.Family)
	u.ok(err)
	return f
}

func (u *unmoved) changeResource(id string, change func(*store.Resource)) {
	u.Helper()
	r, err := u.db.Resource(u.Context(), id)
	u.ok(err)
	change(&r)
	u.ok(u.db.UpdateResource(u.Context(), r, storetest.By()))
}

// trouble is a reason to refuse a refresh, which lasts until it is removed.
type trouble struct {
	name       string
	make, mend func(*unmoved)
	parameters []string // of the refused request
}

func troubles() []trouble {
	flag := func(name string, of func(*unmoved) *bool) trouble {
		return trouble{name: name, make: func(u *unmoved) { *of(u) = true }, mend: func(u *unmoved) { *of(u) = false }}
	}
	client := func(name string, change, back func(*store.Client)) trouble {
		return trouble{name: name, make: func(u *unmoved) { u.change("web", change) }, mend: func(u *unmoved) { u.change("web", back) }}
	}
	resource := func(name string, change, back func(*store.Resource)) trouble {
		return trouble{name: name, make: func(u *unmoved) { u.changeResource(api, change) }, mend: func(u *unmoved) { u.changeResource(api, back) }}
	}
	claims := func(name string, change func(*store.User)) trouble {
		set := func(u *unmoved, change func(*store.User)) {
			user := u.alice()
			change(&user)
			u.ok(u.db.UpdateUser(u.Context(), user, storetest.By()))
		}
		return trouble{name: name, make: func(u *unmoved) { set(u, change) }, mend: func(u *unmoved) {
			set(u, func(user *store.User) { user.Claims, user.Roles, user.Permissions = nil, []string{"admin"}, nil })
		}}
	}
	asks := func(name string, parameters ...string) trouble {
		return trouble{name: name, make: func(*unmoved) {}, mend: func(*unmoved) {}, parameters: parameters}
	}
	large := strings.Repeat("x", 9000)
	return []trouble{
		{
			name: "the resource is deleted, and made again",
			make: func(u *unmoved) { u.ok(u.db.DeleteResource(u.Context(), api, storetest.By())) },
			mend: func(u *unmoved) {
				u.ok(u.db.CreateResource(u.Context(), store.Resource{
					ID: api, Scopes: oauth.Scope{"read", "write"}, AccessTokenTTL: time.Minute, SigningAlg: keys.ES256, CreatedAt: store.At(began), UpdatedAt: store.At(began),
				}, storetest.By()))
			},
		},
		resource("the resource wants another algorithm than the other",
			func(r *store.Resource) { r.SigningAlg = keys.RS256 }, func(r *store.Resource) { r.SigningAlg = keys.ES256 }),
		resource("the resource wants another typ than the other",
			func(r *store.Resource) { r.TokenTyp = "JWT" }, func(r *store.Resource) { r.TokenTyp = "" }),
		resource("the resource wants an algorithm whose first key does not sign yet",
			func(r *store.Resource) { r.SigningAlg = keys.PS256 }, func(r *store.Resource) { r.SigningAlg = keys.ES256 }),
		resource("the claims of the resource are too large",
			func(r *store.Resource) { r.Claims = map[string]any{"large": large} }, func(r *store.Resource) { r.Claims = nil }),
		{
			name: "the resources encrypt to a key that cannot be used",
			make: func(u *unmoved) {
				for _, id := range []string{api, files} {
					u.changeResource(id, func(r *store.Resource) {
						r.EncryptionJWK, r.EncryptionEnc = json.RawMessage(`{"kty":"RSA"}`), "A256GCM"
					})
				}
			},
			mend: func(u *unmoved) {
				for _, id := range []string{api, files} {
					u.changeResource(id, func(r *store.Resource) { r.EncryptionJWK, r.EncryptionEnc = nil, "" })
				}
			},
		},
		client("the client may ask for none of the resources",
			func(c *store.Client) { c.Resources = []string{mail} }, func(c *store.Client) { c.Resources = []string{api, files} }),
		client("the claims of the client are too large",
			func(c *store.Client) { c.Claims = map[string]any{"large": large} }, func(c *store.Client) { c.Claims = nil }),
		claims("the claims of the user are too large", func(user *store.User) { user.Claims = map[string]any{"large": large} }),
		claims("the user has too many roles", func(user *store.User) { user.Roles = strings.Split(strings.Repeat("a-long-role,", 800), ",") }),
		claims("the user has too many permissions", func(user *store.User) { user.Permissions = strings.Split(strings.Repeat("permission:", 900), ":") }),
		flag("the key does not sign", func(u *unmoved) *bool { return &u.cannotSign }),
		flag("the signer panics", func(u *unmoved) *bool { return &u.panics }),
		flag("there is no key for refresh tokens", func(u *unmoved) *bool { return &u.cannotEncode }),
		flag("the answer of the database is lost", func(u *unmoved) *bool { return &u.lost }),
		flag("the database is down", func(u *unmoved) *bool { return &u.down }),
		{
			name: "the client leaves", make: func(u *unmoved) { u.leave = func() {} }, mend: func(u *unmoved) { u.leave = nil },
		},
		asks("more scope than was granted", "scope", "read list"),
		asks("scope that the client may not have", "scope", "admin"),
		asks("scope that the resource does not know", "scope", "write", "resource", files),
		asks("a resource that the client may not ask for", "resource", mail),
		asks("a resource that was not granted", "resource", self),
	}
}

// After every answer without a token, for any reason, the family is as it was, so the same refresh
// token gets the same answer as before, however much later. The same is true for the single uses of
// the request.
func TestARefusalMovesNothing(t *testing.T) {
	engines := map[string]func(*testing.T) store.Store{
		"sqlite": func(t *testing.T) store.Store { return sqlitetest.Open(t) },
		"postgres": func(t *testing.T) store.Store {
			db, err := postgres.Open(t.Context(), postgres.Options{URL: pgtest.URL(t)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(db.Close)
			if err := db.MigrateUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			return db
		},
	}
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			u := newUnmoved(newWorldOn(t, open(t)))
			for _, id := range []string{api, files} { // ES256 signs faster
				u.changeResource(id, func(r *store.Resource) { r.SigningAlg, r.Claims = keys.ES256, nil })
			}
			rapid.Check(t, u.check)
		})
	}
}

func (u *unmoved) check(rt *rapid.T) {
	token := u.login("scope", "read write", "resource", api, "resource", files).RefreshToken
	for range rapid.IntRange(0, 2).Draw(rt, "refreshes before") {
		u.wait(time.Minute)
		token = u.must(rt, token)
	}
	before := u.family(token)
	for range rapid.IntRange(1, 3).Draw(rt, "troubles") {
		tr := rapid.SampledFrom(troubles()).Draw(rt, "trouble")
		u.once++
		proof := u.once
		tr.make(u)
		mended := false
		defer func() {
			if !mended { // so that the next check is possible if this one fails
				tr.mend(u)
			}
		}()
		u.away = rapid.Bool().Draw(rt, "the database goes away meanwhile")
		for range rapid.IntRange(1, 2).Draw(rt, "times") {
			a, err := u.present(proof, token, tr.parameters...)
			if err == nil || a.AccessToken != "" || a.RefreshToken != "" {
				rt.Fatalf("%s: it was answered, %v", tr.name, err)
			}
			if strings.Contains(err.Error(), "dpop_replayed") {
				rt.Fatalf("%s: the proof was used up", tr.name)
			}
		}
		tr.mend(u)
		mended, u.away = true, false
		if rapid.Bool().Draw(rt, "the database is back first") {
			u.ok(u.refresh.PutBacks.Flush(u.Context()))
			if diff := cmp.Diff(before, u.family(token)); diff != "" {
				rt.Fatalf("%s: the family moved (-before +after)\n%s", tr.name, diff)
			}
		}
		u.wait(time.Duration(rapid.Int64Range(0, int64(9*time.Minute)).Draw(rt, "the client comes again after")).Truncate(time.Microsecond))
		if rapid.Bool().Draw(rt, "and goes on") {
			a, err := u.present(proof, token) // the same request as before, without the fault
			if err != nil || a.Outcome != "rotated" {
				rt.Fatalf("%s: then it is %q: %v", tr.name, a.Outcome, err)
			}
			token, before = a.RefreshToken, u.family(a.RefreshToken)
		}
	}
	u.must(rt, token)
}

// must refreshes, and retries as after a lost answer.
func (u *unmoved) must(rt *rapid.T, token string) string {
	u.once++
	a, err := u.present(u.once, token)
	if err != nil {
		rt.Fatalf("a refresh: %v", err)
	}
	u.once++
	again, err := u.present(u.once, token)
	if err != nil || again.RefreshToken != a.RefreshToken {
		rt.Fatalf("its retry: %v", err)
	}
	return a.RefreshToken
}
