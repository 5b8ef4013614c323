package keys_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"authserver/internal/keys"
	"authserver/internal/store"
)

// A command does not know the settings of the servers, but the database does.
func TestARotationOfRefreshKeysWaitsForTheSlowestServer(t *testing.T) {
	st, c := &memory{}, newClock()
	server := newManager(t, st, c)
	server.Timeline.PollInterval = 10 * time.Minute
	load(t, server)
	r := newRefreshKeys(t, st, server.Sealer, c)
	r.Timeline = server.Effective
	if err := errors.Join(r.Load(t.Context()), r.Tick(t.Context())); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Hour)
	command := newRefreshKeys(t, st, server.Sealer, c)
	command.Timeline = newManager(t, st, c).Effective
	if err := errors.Join(command.Reload(t.Context()), command.Rotate(t.Context(), by())); err != nil {
		t.Fatal(err)
	}
	if got, want := st.secret[1].ActiveAt.Sub(c.Now()), 10*time.Minute+timeline().ClockSkew; got != want {
		t.Errorf("the next key is used in %v, want %v", got, want)
	}
	if err := errors.Join(command.Rotate(t.Context(), by())); err != nil || st.secret[1].ActiveAt.Sub(c.Now()) != 11*time.Minute {
		t.Errorf("asked for again: %v, %v", st.secret[1].ActiveAt.Sub(c.Now()), err)
	}
}

func TestARefreshKeyThatIsKeptTooLateIsGivenUp(t *testing.T) {
	st, c := &memory{}, newClock()
	s := openSealer(t, st)
	r := loadedRefreshKeys(t, st, s, c)
	tl := timeline()
	tl.PollInterval = 20 * time.Millisecond
	slow := newRefreshKeys(t, &stuckSecrets{memory: st}, s, c)
	slow.Timeline = fixed(tl)
	if err := slow.Tick(t.Context()); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "within 10ms, half of key-poll-interval") {
		t.Errorf("a new key: error = %v, want one that says how long it may take", err)
	}
	if err := r.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := slow.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := slow.Rotate(t.Context(), by()); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "bring refresh token key 2 forward") {
		t.Errorf("a rotation: error = %v, want one that says what was not done", err)
	}
}

// stuckSecrets answers only after the caller has given up.
type stuckSecrets struct{ *memory }

func (*stuckSecrets) CreateSecretKey(ctx context.Context, _ store.SecretKey, by store.Change) error {
	<-ctx.Done()
	return store.ErrUnavailable
}

func (*stuckSecrets) RescheduleSecretKey(ctx context.Context, _ store.SecretKey, by store.Change) error {
	<-ctx.Done()
	return store.ErrUnavailable
}

// Of two concurrent readings, the one that began first must not end last.
func TestAnOlderReadingNeverReplacesANewerOne(t *testing.T) {
	st, c := &memory{}, newClock()
	gate := &gated{memory: st, began: make(chan struct{}), goOn: make(chan struct{})}
	s := openSealer(t, st)
	r := loadedRefreshKeys(t, st, s, c)
	r.Store = gate
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.Reload(t.Context()); err != nil {
			t.Error(err)
		}
	})
	<-gate.began // it has read, and is slow to use the result
	if err := loadedRefreshKeys(t, st, s, c).Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	wg.Go(func() {
		if err := r.Reload(t.Context()); err != nil {
			t.Error(err)
		}
	})
	time.AfterFunc(20*time.Millisecond, func() { close(gate.goOn) })
	wg.Wait()
	if _, ok := r.ByID(2); !ok {
		t.Error("the key that was made meanwhile is lost")
	}
}

// gated delays the first reading.
type gated struct {
	*memory
	held        atomic.Bool
	began, goOn chan struct{}
}

func (g *gated) SecretKeys(ctx context.Context, purpose string) ([]store.SecretKey, error) {
	rows, err := g.memory.SecretKeys(ctx, purpose)
	if g.held.CompareAndSwap(false, true) {
		close(g.began)
		<-g.goOn
	}
	return rows, err
}

func TestWhatTheKeysOfRefreshTokensCannotDoIsSaid(t *testing.T) {
	unavailable := func(context.Context) (keys.Timeline, error) { return keys.Timeline{}, store.ErrUnavailable }
	for _, c := range []struct {
		name string
		do   func(t *testing.T, r *keys.RefreshKeys, st *memory, c *clock) error
		want error
		text string
	}{
		{"a first key, without the settings of the servers", func(t *testing.T, r *keys.RefreshKeys, st *memory, _ *clock) error {
			st.secret, r.Timeline = nil, unavailable
			return r.Load(t.Context())
		}, store.ErrUnavailable, ""},
		{"a next key, without the settings of the servers", func(t *testing.T, r *keys.RefreshKeys, _ *memory, _ *clock) error {
			r.Timeline = unavailable
			return r.Tick(t.Context())
		}, store.ErrUnavailable, ""},
		{"a rotation, without the settings of the servers", func(t *testing.T, r *keys.RefreshKeys, _ *memory, _ *clock) error {
			r.Timeline = unavailable
			return r.Rotate(t.Context(), by())
		}, store.ErrUnavailable, ""},
		{"a rotation in an empty database", func(t *testing.T, r *keys.RefreshKeys, st *memory, _ *clock) error {
			st.secret = nil
			return errors.Join(r.Reload(t.Context()), r.Rotate(t.Context(), by()))
		}, nil, "a server makes the first one"},
		{"a key without randomness", func(t *testing.T, r *keys.RefreshKeys, _ *memory, _ *clock) error {
			r.Rand = strings.NewReader("too short")
			return r.Tick(t.Context())
		}, io.ErrUnexpectedEOF, "make a refresh token key"},
		{"a tick without a database", func(t *testing.T, r *keys.RefreshKeys, st *memory, _ *clock) error {
			st.down = true
			return r.Tick(t.Context())
		}, store.ErrUnavailable, "read the refresh token keys"},
		{"the end of a key, where the families cannot be looked at", func(t *testing.T, r *keys.RefreshKeys, st *memory, c *clock) error {
			if err := r.Tick(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.Store = &blind{memory: st}
			c.advance(timeline().RotationInterval + time.Hour)
			return r.Tick(t.Context())
		}, store.ErrUnavailable, "until when old refresh token keys are needed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, clk := &memory{}, newClock()
			r := loadedRefreshKeys(t, st, openSealer(t, st), clk)
			err := c.do(t, r, st, clk)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("error = %v, want %v that says %q", err, c.want, c.text)
			}
		})
	}
}

// blind cannot read the families.
type blind struct{ *memory }

func (*blind) LastIdleExpiry(_ context.Context, after store.Cursor, _ int) (store.Moment, store.Cursor, error) {
	return store.Moment{}, after, store.ErrUnavailable
}

func TestARefreshKeyIsMadeOnceAndSaidOnce(t *testing.T) {
	st, c := &memory{}, newClock()
	s := openSealer(t, st)
	var replicas []*keys.RefreshKeys
	logger, log := captured()
	for range 3 {
		r := loadedRefreshKeys(t, st, s, c)
		r.Logger = logger
		r.Store = &racing{memory: st, other: func() {
			if err := loadedRefreshKeys(t, st, s, c).Tick(t.Context()); err != nil {
				t.Error(err)
			}
		}}
		replicas = append(replicas, r)
	}
	for _, r := range replicas {
		if err := r.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(st.secret) != 2 || strings.Contains(log.String(), "key made") {
		t.Errorf("%d keys, and the callers that came too late say: %s", len(st.secret), log)
	}
}

// racing has another replica that is quicker.
type racing struct {
	*memory
	other func()
}

func (r *racing) CreateSecretKey(ctx context.Context, k store.SecretKey, by store.Change) error {
	r.other()
	return r.memory.CreateSecretKey(ctx, k, by)
}
