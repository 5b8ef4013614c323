package storetest

import (
	"cmp"
	"context"
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// model is the expected state of one family. It remembers when each generation was exchanged, which
// the engines do not, and knows nothing of rows.
type model struct {
	now                 time.Duration
	exchanged           map[uint32]time.Duration // generation → when
	good                uint32                   // the generation that is valid now
	idleUntil, until    time.Duration
	revoked, userVoided bool
	boundTo             string
}

const (
	modelGrace = 10 * time.Second
	modelIdle  = 10 * time.Minute
	modelLife  = 30 * time.Minute
)

// rotate returns the expected outcome of a rotation, and carries it out.
func (m *model) rotate(r store.Rotation, stranger bool) store.Outcome {
	generation := r.Generation
	exchangedAt, known := m.exchanged[generation]
	inGrace := known && generation == m.good-1 && m.now-exchangedAt <= modelGrace
	switch {
	case stranger:
		return store.WrongClient
	case m.boundTo != "" && !slices.Contains(r.Proved, m.boundTo):
		return store.WrongKey
	case m.revoked || m.userVoided:
		return store.Revoked
	case m.now >= m.until || m.now >= m.idleUntil:
		return store.Expired
	case generation < m.good && !inGrace:
		m.revoked = true
		return store.Reused
	case slices.Contains(r.Scope, "admin"):
		return store.ScopeExceeded
	case len(r.Candidates) == 0:
		return store.Unissuable
	case inGrace:
		return store.Graced
	}
	m.exchanged[generation] = m.now
	m.good = generation + 1
	m.idleUntil = min(m.now+modelIdle, m.until)
	m.boundTo = cmp.Or(m.boundTo, r.Binds)
	return store.Rotated
}

// rotationModel compares the engine with the model, step by step, with a clock of the test.
func rotationModel(t *testing.T, open Open) {
	ctx, s := migrated(t, open)
	ok(t, s.CreateClient(ctx, aClient("web"), By()))
	var number atomic.Uint64
	rapid.Check(t, func(rt *rapid.T) {
		f := newModelFamily(rt, ctx, s, number.Add(1))
		m := &model{exchanged: map[uint32]time.Duration{}, good: 1, idleUntil: modelIdle, until: modelLife, boundTo: f.BoundTo}
		rt.Repeat(map[string]func(*rapid.T){
			"wait":   func(rt *rapid.T) { m.wait(rt) },
			"rotate": func(rt *rapid.T) { m.checkRotate(rt, ctx, s, f) },
			"revoke": func(rt *rapid.T) { m.checkRevoke(rt, ctx, s, f) },
			"void":   func(rt *rapid.T) { m.checkVoid(rt, ctx, s, f) },
			"":       func(rt *rapid.T) { m.checkRow(rt, ctx, s, f) },
		})
	})
}

func newModelFamily(rt *rapid.T, ctx context.Context, s store.Store, number uint64) store.Family {
	f := aFamily(0)
	binary.BigEndian.PutUint64(f.ID[:8], number)
	f.UserID = strconv.FormatUint(number, 10)
	f.IdleExpiresAt, f.ExpiresAt = at(modelIdle), at(modelLife)
	f.BoundTo = rapid.SampledFrom([]string{"", aThumbprint}).Draw(rt, "bound to")
	if err := s.CreateUser(ctx, aUser(f.UserID), By()); err != nil {
		rt.Fatal(err)
	}
	if err := s.CreateFamily(ctx, f); err != nil {
		rt.Fatal(err)
	}
	return f
}

func (m *model) wait(rt *rapid.T) {
	m.now += rapid.OneOf(
		rapid.SampledFrom([]time.Duration{time.Microsecond, modelGrace, modelGrace + time.Microsecond, modelIdle}),
		rapid.Map(rapid.IntRange(0, 300), func(s int) time.Duration { return time.Duration(s) * time.Second }),
	).Draw(rt, "wait")
}

func (m *model) checkRotate(rt *rapid.T, ctx context.Context, s store.Store, f store.Family) {
	// Mostly this is the valid generation or the one before, and sometimes an older or a newer one.
	step := rapid.SampledFrom([]int{0, 0, 0, 0, -1, -1, -1, -2, -3, 1, 2}).Draw(rt, "generation")
	r := present(f, uint32(max(int(m.good)+step, 1)), m.now)
	r.Grace, r.Idle = modelGrace, modelIdle
	r.Scope = rapid.SampledFrom([]oauth.Scope{nil, nil, nil, {"read"}, {"write", "read"}, {"read", "admin"}}).Draw(rt, "scope")
	r.Proved = []string{aThumbprint, anotherThumbprint}
	if rapid.IntRange(0, 9).Draw(rt, "keys") == 0 {
		r.Proved = rapid.SampledFrom([][]string{nil, {aThumbprint}, {anotherThumbprint}}).Draw(rt, "proved")
	}
	if rapid.IntRange(0, 4).Draw(rt, "binds") == 0 && len(r.Proved) > 0 {
		r.Binds = r.Proved[0]
	}
	if rapid.IntRange(0, 9).Draw(rt, "issuable") == 0 {
		r.Candidates = nil
	}
	stranger := rapid.IntRange(0, 19).Draw(rt, "client") == 0
	if stranger {
		r.ClientID = "stranger"
	}
	before := *m
	before.exchanged = maps.Clone(m.exchanged)
	want, decided := m.rotate(r, stranger), m.decide(rt, ctx, s, r)
	got, err := s.Rotate(ctx, r)
	if err != nil {
		rt.Fatal(err)
	}
	if decided != want {
		rt.Fatalf("generation %d at %s: Rotation.Decide says %s, want %s", r.Generation, m.now, decided, want)
	}
	if got.Outcome != want {
		rt.Fatalf("generation %d at %s: got outcome %d, want %d", r.Generation, m.now, got.Outcome, want)
	}
	if named := got.User.ID != ""; named != (want != store.Unknown) {
		rt.Fatalf("outcome %d comes with the user %q", want, got.User.ID)
	}
	m.compare(rt, got.Family)
	if rapid.IntRange(0, 4).Draw(rt, "put back") == 0 && (want == store.Rotated || want == store.Graced) {
		if err := s.PutBack(ctx, r, want); err != nil {
			rt.Fatal(err)
		}
		*m = before
	}
}

// decide returns the outcome of a rotation by the function that all Go code uses.
func (m *model) decide(rt *rapid.T, ctx context.Context, s store.Store, r store.Rotation) store.Outcome {
	f, err := s.Family(ctx, r.ID)
	if err != nil {
		rt.Fatal(err)
	}
	u, err := s.User(ctx, f.UserID)
	if err != nil {
		rt.Fatal(err)
	}
	return r.Decide(f, u, false)
}

func (m *model) checkRevoke(rt *rapid.T, ctx context.Context, s store.Store, f store.Family) {
	if rapid.IntRange(0, 9).Draw(rt, "revoke") > 0 {
		return
	}
	if err := s.RevokeFamily(ctx, f.ID, Voiding(voidsFamily(f.ID, m.now, "revoked"))); err != nil {
		rt.Fatal(err)
	}
	m.revoked = true
}

func (m *model) checkVoid(rt *rapid.T, ctx context.Context, s store.Store, f store.Family) {
	if rapid.IntRange(0, 19).Draw(rt, "void") > 0 {
		return
	}
	u, err := s.User(ctx, f.UserID)
	if err != nil {
		rt.Fatal(err)
	}
	u.NotBefore = at(time.Microsecond)
	if err := s.UpdateUser(ctx, u, By()); err != nil {
		rt.Fatal(err)
	}
	m.userVoided = true
}

func (m *model) checkRow(rt *rapid.T, ctx context.Context, s store.Store, f store.Family) {
	got, err := s.Family(ctx, f.ID)
	if err != nil {
		rt.Fatal(err)
	}
	m.compare(rt, got)
}

func (m *model) compare(rt *rapid.T, got store.Family) {
	type row struct {
		BoundTo   string
		Good      uint32
		IdleUntil store.Moment
		Until     store.Moment
		Revoked   bool
	}
	want := row{m.boundTo, m.good, at(m.idleUntil), at(m.until), m.revoked}
	if diff := gocmp.Diff(want, row{got.BoundTo, got.Generation, got.IdleExpiresAt, got.ExpiresAt, !got.RevokedAt.IsZero()}); diff != "" {
		rt.Fatalf("at %s (-want +got)\n%s", m.now, diff)
	}
}
