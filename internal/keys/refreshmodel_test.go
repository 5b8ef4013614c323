package keys_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"authserver/internal/keys"
	"authserver/internal/keys/sealing"
	"authserver/internal/store"
)

// This model runs replicas with clocks that disagree and settings that differ, and families of
// refresh tokens that are used or idle. It checks what a user relies on:
//
//   - every replica accepts a refresh token that any replica made, until its family
//     has idled out by the clock of that replica;
//   - every replica answers a retry of a refresh within the grace with the very same
//     token.
//
// For the second rule, every replica makes a token in every step, for a family that does not
// continue.
func TestARefreshTokenIsGoodEverywhereUntilItsFamilyEnds(t *testing.T) {
	sealer := openSealer(t, &memory{})
	seen := map[string]int{}
	few := func() []string {
		events := []string{"login", "refresh", "rotate", "restart", "outage", "turns", "ends"}
		return slices.DeleteFunc(events, func(event string) bool { return seen[event] >= 50 })
	}
	for range 5 { // the runs are random, and the first usually finds the bug
		rapid.Check(t, func(rt *rapid.T) {
			f := newFlock(rt, sealer, plantedRefresh{})
			if err := f.run(); err != nil {
				rt.Fatal(err)
			}
			for event, times := range f.seen {
				seen[event] += times
			}
		})
		if len(few()) == 0 {
			break
		}
	}
	t.Logf("seen: %v", seen)
	if events := few(); len(events) > 0 {
		t.Errorf("the model saw %v too seldom to say anything", events)
	}
}

// plantedRefresh is a bug that the model has to find.
type plantedRefresh struct {
	timeline func(*keys.Timeline)
	create   func(*store.SecretKey)
	change   func(*store.SecretKey)
	idle     func(store.Moment) store.Moment
	alone    bool // no replica knows the settings of the others
}

func TestTheModelOfRefreshTokensFindsPlantedBugs(t *testing.T) {
	for name, bug := range map[string]plantedRefresh{
		"a new key is used at once":               {create: func(k *store.SecretKey) { k.ActiveAt = k.CreatedAt }},
		"a rotation is in force at once":          {change: func(k *store.SecretKey) { k.ActiveAt = k.ActiveAt.Add(-3 * time.Second) }},
		"clocks agree":                            {timeline: func(tl *keys.Timeline) { tl.ClockSkew = 0 }},
		"every replica hears at once":             {timeline: func(tl *keys.Timeline) { tl.PollInterval = time.Millisecond }},
		"the settings of others do not count":     {alone: true},
		"a key is over when the next one is used": {idle: func(store.Moment) store.Moment { return store.Moment{} }},
		"a key is over two seconds early":         {idle: func(m store.Moment) store.Moment { return m.Add(-2*time.Second - modelStep) }},
	} {
		t.Run(name, func(t *testing.T) {
			sealer := openSealer(t, &memory{})
			found := rapid.Custom(func(rt *rapid.T) error { return newFlock(rt, sealer, bug).run() })
			for seed := range 3000 {
				if err := found.Example(seed + 1); err != nil {
					t.Logf("found in run %d: %v", seed+1, err)
					return
				}
			}
			t.Error("3000 runs did not find it")
		})
	}
}

type flock struct {
	t        *rapid.T
	bug      plantedRefresh
	sealer   *sealing.Sealer
	st       *memory
	now      time.Time
	replicas []*replica
	served   int
	families []*family
	passing  []*family // made within the grace
	seen     map[string]int
}

// replica has a clock that is ahead of the true time by up to ClockSkew.
type replica struct {
	f        *flock
	timeline keys.Timeline
	ahead    time.Duration
	lag      time.Duration // from the reading of its clock to the commit of what it writes
	signing  *keys.Manager
	refresh  *keys.RefreshKeys // nil while it is not up
	ticked   time.Time
	late     bool
}

func (r *replica) clock() time.Time { return r.f.now.Add(r.ahead - r.lag) }

// family is a sequence of refresh tokens. The moments are by the clock of the replica that wrote
// them.
type family struct {
	rotatedAt, idleUntil time.Time
	last, before         made // before was exchanged for last
}

// made is the key of a refresh token.
type made struct {
	id  uint32
	key []byte
}

// refreshWire is the place where the model plants bugs.
type refreshWire struct {
	*memory
	bug    plantedRefresh
	looked *bool
}

func (w refreshWire) CreateSecretKey(ctx context.Context, k store.SecretKey, by store.Change) error {
	if w.bug.create != nil && k.ID > 1 {
		w.bug.create(&k)
	}
	return w.memory.CreateSecretKey(ctx, k, by)
}

func (w refreshWire) RescheduleSecretKey(ctx context.Context, k store.SecretKey, by store.Change) error {
	if w.bug.change != nil && k.RemovedAt.IsZero() {
		w.bug.change(&k)
	}
	return w.memory.RescheduleSecretKey(ctx, k, by)
}

// LastIdleExpiry finds few families at a time, and fails after each page, so that a pass
// takes many ticks.
func (w refreshWire) LastIdleExpiry(ctx context.Context, after store.Cursor, _ int) (store.Moment, store.Cursor, error) {
	if *w.looked = !*w.looked; !*w.looked {
		return store.Moment{}, after, store.ErrUnavailable
	}
	last, next, err := w.memory.LastIdleExpiry(ctx, after, modelPage)
	if w.bug.idle != nil {
		last = w.bug.idle(last)
	}
	return last, next, err
}

const (
	modelGrace = time.Second
	modelPage  = 3 // families
)

func newFlock(t *rapid.T, sealer *sealing.Sealer, bug plantedRefresh) *flock {
	f := &flock{t: t, bug: bug, sealer: sealer, st: &memory{}, now: newClock().Now(), seen: map[string]int{}}
	for range 3 {
		f.replicas = append(f.replicas, &replica{f: f, timeline: modelTimeline(), ahead: f.within("clock", modelTimeline().ClockSkew)})
	}
	return f
}

func (f *flock) within(label string, most time.Duration) time.Duration {
	return (&world{t: f.t}).within(label, most)
}

// start makes the keys of a process.
func (r *replica) start(server string) (*keys.Manager, *keys.RefreshKeys) {
	believed := r.timeline
	if r.f.bug.timeline != nil {
		r.f.bug.timeline(&believed)
	}
	m := &keys.Manager{
		Store: r.f.st, Server: server, Actor: by().Actor, Sealer: r.f.sealer, Timeline: believed, Algorithms: []string{keys.ES256},
		Source: keys.Software{}, Now: r.clock, Logger: slog.New(slog.DiscardHandler),
	}
	timeline := m.Effective
	if r.f.bug.alone {
		timeline = fixed(believed)
	}
	return m, &keys.RefreshKeys{
		Store: refreshWire{r.f.st, r.f.bug, new(bool)}, Sealer: r.f.sealer, Actor: by().Actor, Timeline: timeline, Grace: modelGrace,
		Now: r.clock, Rand: rand.Reader, Logger: slog.New(slog.DiscardHandler),
	}
}

func (f *flock) run() error {
	for range rapid.IntRange(10, 40).Draw(f.t, "events") {
		if err := f.event(); err != nil {
			return err
		}
		for range rapid.IntRange(0, 12).Draw(f.t, "steps") {
			f.now = f.now.Add(modelStep)
			for _, r := range f.replicas {
				wait := r.timeline.PollInterval / 4
				if r.late {
					wait = r.timeline.PollInterval / 2
				}
				if f.now.Sub(r.ticked) < wait {
					continue
				}
				if err := f.tick(r); err != nil {
					return err
				}
			}
			if err := f.holds(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *flock) event() error {
	r := f.replicas[rapid.IntRange(0, len(f.replicas)-1).Draw(f.t, "replica")]
	event := rapid.SampledFrom([]string{"nothing", "login", "login", "refresh", "refresh", "refresh", "delay", "rotate", "restart", "outage"}).Draw(f.t, "event")
	serves := r.refresh != nil && !f.st.down
	switch event {
	case "delay":
		r.late = true
	case "login":
		if serves {
			f.login(r)
		}
	case "refresh":
		if live := f.live(r); serves && len(live) > 0 {
			f.use(r, live[rapid.IntRange(0, len(live)-1).Draw(f.t, "family")])
		}
	case "rotate":
		if serves {
			return f.rotate()
		}
	case "restart":
		if serves {
			return f.restart(r)
		}
	case "outage":
		return f.outage()
	}
	return f.holds()
}

func (f *flock) login(r *replica) {
	f.seen["login"]++
	made := &family{}
	f.families = append(f.families, made)
	f.issue(r, made)
}

// live returns the families that have not idled out by the clock of the replica.
func (f *flock) live(r *replica) []*family {
	return slices.DeleteFunc(slices.Clone(f.families), func(x *family) bool { return !r.clock().Before(x.idleUntil) })
}

// use exchanges the last refresh token of a live family.
func (f *flock) use(r *replica, x *family) {
	f.seen["refresh"]++
	x.before = x.last
	f.issue(r, x)
}

func (f *flock) issue(r *replica, x *family) {
	x.rotatedAt = store.At(r.clock())
	x.last.id, x.last.key, _ = r.refresh.At(x.rotatedAt)
	x.idleUntil = x.rotatedAt.Add(f.within("idle lifetime", 12*time.Second) + modelStep)
	f.st.idle = f.st.idle[:0]
	for _, y := range f.families {
		f.st.idle = append(f.st.idle, y.idleUntil)
	}
}

// rotate is the command of an operator on another machine, with the usual settings.
func (f *flock) rotate() error {
	f.seen["rotate"]++
	tl := modelTimeline()
	command := &replica{f: f, timeline: tl, ahead: f.within("clock of the command", tl.ClockSkew), lag: f.within("the command's commit", tl.WriteWithin()/2)}
	_, refresh := command.start("")
	if err := refresh.Reload(context.Background()); err != nil {
		return err
	}
	_ = refresh.Rotate(context.Background(), by()) // the next key may not be made yet
	return f.holds()
}

// restart gives a replica another poll interval.
func (f *flock) restart(r *replica) error {
	f.seen["restart"]++
	if r.signing != nil && rapid.Bool().Draw(f.t, "in order") {
		if err := r.signing.Stop(context.Background()); err != nil {
			return err
		}
	}
	r.refresh = nil
	r.timeline.PollInterval = time.Duration(rapid.SampledFrom([]int{1, 2, 3, 8}).Draw(f.t, "poll interval")) * time.Second
	r.timeline.RotationInterval = r.timeline.Lead() + f.within("rotation interval", 6*time.Second)
	return f.tick(r)
}

// outage takes the database away or gives it back. Every replica has read what was planned until
// then.
func (f *flock) outage() error {
	f.seen["outage"]++
	for settled := f.st.down; !settled; {
		before := len(f.st.secret)
		for _, r := range f.replicas {
			if err := f.tick(r); err != nil {
				return err
			}
		}
		settled = len(f.st.secret) == before
	}
	f.st.down = !f.st.down
	return nil
}

func (f *flock) tick(r *replica) error {
	r.ticked, r.late = f.now, rapid.Bool().Draw(f.t, "late")
	r.lag = f.within("commit", min(r.timeline.WriteWithin(), modelTimeline().WriteWithin()))
	defer func() { r.lag = 0 }()
	ctx := context.Background()
	var err error
	if r.refresh == nil {
		f.served++
		signing, refresh := r.start(fmt.Sprintf("run %d", f.served))
		if err = signing.Load(ctx); err == nil {
			err = refresh.Load(ctx)
		}
		if err == nil {
			r.signing, r.refresh = signing, refresh
		}
	} else if err = r.signing.Tick(ctx); err == nil {
		err = r.refresh.Tick(ctx)
	}
	if err != nil && !errors.Is(err, store.ErrUnavailable) {
		return fmt.Errorf("tick: %w", err)
	}
	return nil
}
