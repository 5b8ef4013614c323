package keys_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"authserver/internal/keys"
	"authserver/internal/store"
)

// The model runs replicas with clocks that disagree, over one database that comes
// and goes, through rotations that were planned and rotations that were asked
// for, and holds them to what a resource server relies on:
//
//   - at every moment exactly one key of the algorithm is active, by every
//     replica's clock, and a replica that is up can always sign;
//   - a JWKS is never empty;
//   - no verifier ever meets a token whose key it does not have. The model does not
//     draw verifiers but stands for all that there could be: whoever fetched the
//     JWKS from any replica at any moment keeps it for JWKSMaxAge and asks nobody.
//
// Time passes in steps of a quarter of a second; settings are whole seconds.
const modelStep = 250 * time.Millisecond

func modelTimeline() keys.Timeline {
	return keys.Timeline{
		RotationInterval: 8 * time.Second, JWKSMaxAge: 3 * time.Second, PollInterval: 2 * time.Second,
		ClockSkew: time.Second, MaxTokenTTL: 4 * time.Second,
	}
}

func TestNoVerifierEverMeetsAKeyThatItDoesNotHave(t *testing.T) {
	sealer := openSealer(t, &memory{})
	handovers := 0
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt, sealer, modelTimeline(), planted{})
		if err := w.run(); err != nil {
			rt.Fatal(err)
		}
		handovers += len(w.signed) - 1
	})
	if handovers < 100 {
		t.Errorf("the model saw %d handovers: too few to say anything", handovers)
	}
}

// planted is a bug that the model has to find.
type planted struct {
	timeline func(*keys.Timeline) // what the managers believe, other than what is true
	// deaf: a predecessor is removed Lag after an early handover, and not Lag after
	// the last replica has heard of it.
	deaf bool
}

func TestTheModelFindsPlantedBugs(t *testing.T) {
	for name, bug := range map[string]planted{
		"no lead at all": {timeline: func(tl *keys.Timeline) { tl.JWKSMaxAge, tl.ClockSkew, tl.PollInterval = 0, 0, time.Millisecond }},
		"the lead forgets that verifiers keep the JWKS":       {timeline: func(tl *keys.Timeline) { tl.JWKSMaxAge = 0 }},
		"the lead is a second short":                          {timeline: func(tl *keys.Timeline) { tl.JWKSMaxAge -= time.Second }},
		"the lead and the lag forget that clocks differ":      {timeline: func(tl *keys.Timeline) { tl.ClockSkew = 0 }},
		"the lag is a second short":                           {timeline: func(tl *keys.Timeline) { tl.MaxTokenTTL -= time.Second }},
		"an early handover forgets who has not heard of it":   {deaf: true},
		"the poll takes a second longer than the lead grants": {timeline: func(tl *keys.Timeline) { tl.PollInterval -= time.Second }},
	} {
		t.Run(name, func(t *testing.T) {
			sealer := openSealer(t, &memory{})
			found := rapid.Custom(func(rt *rapid.T) error { return newWorld(rt, sealer, modelTimeline(), bug).run() })
			for seed := range 2000 {
				if err := found.Example(seed + 1); err != nil {
					t.Logf("found in run %d: %v", seed+1, err)
					return
				}
			}
			t.Error("2000 runs did not find it")
		})
	}
}

type world struct {
	t      *rapid.T
	truth  keys.Timeline
	bug    planted
	sealer *keys.Sealer
	st     *memory
	now    time.Time
	nodes  []*node
	healed time.Time // when a replica that was cut off was last reached again

	signed  map[string]time.Time // kid: when its last token expires, by the clock that wrote it
	lacking map[string]time.Time // kid: when a replica last served a JWKS without it
	sets    map[string][]string  // ETag: the kids in that JWKS
}

// node is one replica. Its clock is ahead of the true time by up to ClockSkew.
type node struct {
	w        *world
	ahead    time.Duration
	lag      time.Duration // it read its clock so long before what it writes is committed
	m        *keys.Manager // nil while it is not up
	ticked   time.Time
	cut      bool // it alone cannot reach the database
	cutUntil time.Time
}

func newWorld(t *rapid.T, sealer *keys.Sealer, truth keys.Timeline, bug planted) *world {
	w := &world{
		t: t, truth: truth, bug: bug, sealer: sealer, st: &memory{}, now: newClock().now,
		signed: map[string]time.Time{}, lacking: map[string]time.Time{}, sets: map[string][]string{},
	}
	for i := range 3 {
		w.nodes = append(w.nodes, &node{w: w, ahead: w.within(fmt.Sprintf("clock of replica %d", i), truth.ClockSkew)})
	}
	return w
}

// within draws a duration up to most, often one of the ends, where bugs live.
func (w *world) within(label string, most time.Duration) time.Duration {
	switch rapid.IntRange(0, 3).Draw(w.t, label+", which end") {
	case 0:
		return 0
	case 1:
		return most
	}
	return modelStep * time.Duration(rapid.IntRange(0, int(most/modelStep)).Draw(w.t, label))
}

func (w *world) manager(n *node) *keys.Manager {
	believed := w.truth
	if w.bug.timeline != nil {
		w.bug.timeline(&believed)
	}
	return &keys.Manager{
		Store: wire{memory: w.st, node: n}, Sealer: w.sealer, Timeline: believed, Algorithms: []string{keys.ES256},
		Generate: keys.Generate, Now: n.clock, Logger: slog.New(slog.DiscardHandler),
	}
}

func (n *node) clock() time.Time { return n.w.now.Add(n.ahead - n.lag) }

// wire is a replica's connection to the database.
type wire struct {
	*memory
	node *node
}

func (c wire) SigningKeys(ctx context.Context, now store.Moment) ([]store.SigningKey, error) {
	if c.node.cut {
		return nil, store.ErrUnavailable
	}
	return c.memory.SigningKeys(ctx, now)
}

func (c wire) RescheduleSigningKey(ctx context.Context, kid string, from, to, removedAt store.Moment) error {
	if c.node.w.bug.deaf {
		removedAt = to.Add(c.node.w.truth.Lag())
	}
	return c.memory.RescheduleSigningKey(ctx, kid, from, to, removedAt)
}

func (w *world) run() error {
	for range rapid.IntRange(20, 60).Draw(w.t, "events") {
		if err := w.event(); err != nil {
			return err
		}
		for range rapid.IntRange(0, 12).Draw(w.t, "steps") {
			w.now = w.now.Add(modelStep)
			if err := w.due(); err != nil {
				return err
			}
		}
	}
	return nil
}

// event is something that happens to the replicas.
func (w *world) event() error {
	n := w.nodes[rapid.IntRange(0, len(w.nodes)-1).Draw(w.t, "replica")]
	anyCut := slices.ContainsFunc(w.nodes, func(n *node) bool { return n.cut })
	switch rapid.SampledFrom([]string{"nothing", "tick", "rotate", "rotate", "restart", "outage", "cut"}).Draw(w.t, "event") {
	case "tick":
		return w.tick(n)
	case "rotate":
		// Nothing tells a replica that is cut off of a rotation that was not planned
		// when it read the keys last, nor whoever has its JWKS.
		if !anyCut && !w.st.down && len(w.signed) > 0 && w.now.Sub(w.healed) >= w.truth.JWKSMaxAge+w.truth.ClockSkew {
			return w.rotate()
		}
	case "restart":
		n.m = nil
		return w.tick(n)
	case "outage":
		if !anyCut {
			return w.outage()
		}
	case "cut":
		if !anyCut && !w.st.down && n.m != nil {
			return w.cut(n)
		}
	}
	return nil
}

// rotate is an administrator at a command line, on yet another machine.
func (w *world) rotate() error {
	n := &node{w: w, ahead: w.within("clock of the command", w.truth.ClockSkew), lag: w.within("the command's commit", w.truth.WriteWithin())}
	if _, err := w.manager(n).Rotate(context.Background()); err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	return w.observe()
}

// outage takes the database from all replicas, for as long as it likes, or gives
// it back. All of them have read what was planned until then: one that has not
// when a long outage begins cannot know, as one that is cut off cannot.
func (w *world) outage() error {
	for read := false; !read && !w.st.down; {
		before := w.st.writes
		for _, n := range w.nodes {
			if err := w.tick(n); err != nil {
				return err
			}
		}
		read = w.st.writes == before
	}
	w.st.down = !w.st.down
	return nil
}

// cut takes the database from one replica, after its last reading, for as long as
// it can do without: until the successor of the last key that it knows is in
// somebody's cache.
func (w *world) cut(n *node) error {
	if err := w.tick(n); err != nil {
		return err
	}
	for _, k := range w.st.signing {
		if k.RetiredAt.IsZero() && k.ActiveAt.After(w.now.Add(w.truth.ClockSkew)) {
			n.cut, n.cutUntil = true, k.ActiveAt.Add(w.truth.RotationInterval-w.truth.ClockSkew-w.truth.JWKSMaxAge)
		}
	}
	return nil
}

// due ticks every replica that has waited for as long as it may: TickInterval,
// and a quarter of PollInterval that the reading may take.
func (w *world) due() error {
	for _, n := range w.nodes {
		healed := n.cut && !w.now.Before(n.cutUntil)
		if healed {
			n.cut, w.healed = false, w.now
		}
		if !healed && w.now.Sub(n.ticked) < w.truth.PollInterval/2 {
			continue
		}
		if err := w.tick(n); err != nil {
			return err
		}
	}
	return w.observe()
}

func (w *world) tick(n *node) error {
	n.ticked = w.now
	n.lag = w.within("commit", w.truth.WriteWithin())
	var err error
	if n.m == nil {
		m := w.manager(n)
		if err = m.Load(context.Background()); err == nil {
			n.m = m
		}
	} else {
		err = n.m.Tick(context.Background())
	}
	n.lag = 0
	if err != nil && !errors.Is(err, store.ErrUnavailable) {
		return fmt.Errorf("tick: %w", err)
	}
	return w.observe()
}

// observe holds the world as it is now to the invariants.
func (w *world) observe() error {
	for _, n := range w.nodes {
		if n.m == nil {
			continue
		}
		if err := w.serves(n); err != nil {
			return fmt.Errorf("at %s: %w", w.now.Format("15:04:05.00"), err)
		}
	}
	for _, n := range w.nodes {
		if n.m == nil {
			continue
		}
		if err := w.signs(n); err != nil {
			return fmt.Errorf("at %s: %w", w.now.Format("15:04:05.00"), err)
		}
	}
	return nil
}

// serves checks the JWKS that a verifier would fetch now.
func (w *world) serves(n *node) error {
	kids, err := w.kids(n.m.JWKS())
	if err != nil {
		return err
	}
	if len(kids) == 0 {
		return errors.New("a replica serves an empty JWKS")
	}
	for _, k := range w.st.signing {
		if slices.Contains(kids, k.KID) {
			continue
		}
		w.lacking[k.KID] = w.now
		// The slowest clock among verifiers shows the true time.
		if expires, used := w.signed[k.KID]; used && w.now.Before(expires) {
			return fmt.Errorf("a replica does not publish key %s, whose last token is good for another %v", k.KID, expires.Sub(w.now))
		}
	}
	return nil
}

// signs makes a token.
func (w *world) signs(n *node) error {
	active := 0
	for _, k := range w.st.signing {
		if keys.StateAt(k, n.clock()) == keys.Active {
			active++
		}
	}
	if active != 1 {
		return fmt.Errorf("%d keys are active by the clock of a replica", active)
	}
	s, err := n.m.Signer(keys.ES256)
	if err != nil {
		return fmt.Errorf("a replica cannot sign: %w", err)
	}
	if fetched, ok := w.lacking[s.KID]; ok && w.now.Sub(fetched) < w.truth.JWKSMaxAge {
		return fmt.Errorf("key %s signs, and a verifier fetched a JWKS without it %v ago", s.KID, w.now.Sub(fetched))
	}
	if expires := n.clock().Add(w.truth.MaxTokenTTL); w.signed[s.KID].Before(expires) {
		w.signed[s.KID] = expires
	}
	return nil
}

func (w *world) kids(d keys.Document) ([]string, error) {
	if kids, ok := w.sets[d.ETag]; ok {
		return kids, nil
	}
	var set struct{ Keys []struct{ KID string } }
	if err := json.Unmarshal(d.Body, &set); err != nil {
		return nil, fmt.Errorf("read a JWKS: %w", err)
	}
	var kids []string
	for _, k := range set.Keys {
		kids = append(kids, k.KID)
	}
	w.sets[d.ETag] = kids
	return kids, nil
}
