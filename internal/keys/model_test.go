package keys_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"authserver/internal/keys"
	"authserver/internal/keys/sealing"
	"authserver/internal/store"
)

// The model runs replicas with clocks that disagree and settings that change, over one database
// that comes and goes, with planned rotations, rotations on request and revocations. It checks what
// a resource server relies on:
//
//   - at every moment exactly one key of the algorithm is active, by every
//     replica's clock, and a replica that is up can always sign;
//   - a JWKS is never empty;
//   - no verifier ever meets a token whose key it does not have, unless that key was
//     revoked. The model does not draw verifiers, but covers all possible ones: a
//     verifier that fetched the JWKS from any replica at any moment keeps it for as
//     long as that replica said, and does not fetch it again.
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
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt, sealer, modelTimeline(), planted{})
		if err := w.run(); err != nil {
			rt.Fatal(err)
		}
		seen["handovers"] += len(w.signed) - 1
		for event, times := range w.seen {
			seen[event] += times
		}
	})
	t.Logf("seen: %v", seen)
	for _, event := range []string{"handovers", "rotate", "revoke", "restart", "reconfigure", "outage", "cut"} {
		if seen[event] < 100 {
			t.Errorf("the model saw %q %d times: too few to say anything", event, seen[event])
		}
	}
}

// planted is a bug that the model has to find.
type planted struct {
	timeline func(*keys.Timeline) // changes the timeline of the managers, which is then different from the true one
	// handover changes what a manager writes: a key, and its predecessor if that is in the same
	// change.
	handover func(w *world, next, before *store.SigningKey)
	// forgetful: no replica knows the lifetimes of the others.
	forgetful bool
}

func TestTheModelFindsPlantedBugs(t *testing.T) {
	for name, bug := range map[string]planted{
		"a new key signs at once": {handover: func(w *world, next, before *store.SigningKey) {
			next.ActiveAt, before.RetiredAt = next.PublishedAt, next.PublishedAt
		}},
		"a retired key is removed at once":                    {handover: func(_ *world, _, before *store.SigningKey) { before.RemovedAt = before.RetiredAt }},
		"no lead at all":                                      {timeline: func(tl *keys.Timeline) { tl.JWKSMaxAge, tl.ClockSkew, tl.PollInterval = 0, 0, time.Millisecond }},
		"the lead forgets that verifiers keep the JWKS":       {timeline: func(tl *keys.Timeline) { tl.JWKSMaxAge = 0 }},
		"the lead is a second short":                          {timeline: func(tl *keys.Timeline) { tl.JWKSMaxAge -= time.Second }},
		"the lead and the lag forget that clocks differ":      {timeline: func(tl *keys.Timeline) { tl.ClockSkew = 0 }},
		"the lag is a second short":                           {timeline: func(tl *keys.Timeline) { tl.MaxTokenTTL -= time.Second }},
		"an early handover forgets who has not heard of it":   {handover: func(w *world, next, before *store.SigningKey) { before.RemovedAt = next.ActiveAt.Add(w.truth.Lag()) }},
		"the poll takes a second longer than the lead grants": {timeline: func(tl *keys.Timeline) { tl.PollInterval -= time.Second }},
		"a lifetime that grew is not announced":               {forgetful: true},
	} {
		t.Run(name, func(t *testing.T) {
			sealer := openSealer(t, &memory{})
			found := rapid.Custom(func(rt *rapid.T) error { return newWorld(rt, sealer, modelTimeline(), bug).run() })
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

type world struct {
	t      *rapid.T
	truth  keys.Timeline // of the replicas without other settings
	bug    planted
	sealer *sealing.Sealer
	st     *memory
	now    time.Time
	nodes  []*node
	served int       // runs of servers
	healed time.Time // when the last replica that was cut off was connected again

	signed  map[string]time.Time // kid: when its last token expires, by the clock that wrote it
	lacking map[string]time.Time // kid: until when a verifier may have a JWKS without it
	sets    map[string][]string  // ETag: the kids in that JWKS
	seen    map[string]int       // events
}

// node is a replica. Its clock is ahead of the true time by up to ClockSkew.
type node struct {
	w        *world
	timeline keys.Timeline
	ahead    time.Duration
	lag      time.Duration // from the reading of its clock to the commit of what it writes
	m        *keys.Manager // nil while it is not up
	ticked   time.Time
	late     bool // its next poll is as late as possible
	cut      bool // only this replica cannot reach the database
	cutUntil time.Time
}

func newWorld(t *rapid.T, sealer *sealing.Sealer, truth keys.Timeline, bug planted) *world {
	w := &world{
		t: t, truth: truth, bug: bug, sealer: sealer, st: &memory{}, now: newClock().Now(),
		signed: map[string]time.Time{}, lacking: map[string]time.Time{}, sets: map[string][]string{}, seen: map[string]int{},
	}
	for i := range 3 {
		w.nodes = append(w.nodes, &node{w: w, timeline: truth, ahead: w.within(fmt.Sprintf("clock of replica %d", i), truth.ClockSkew)})
	}
	return w
}

// within draws a duration up to most, often one of the ends, where faults are likely.
func (w *world) within(label string, most time.Duration) time.Duration {
	switch rapid.IntRange(0, 3).Draw(w.t, label+", which end") {
	case 0:
		return 0
	case 1:
		return most
	}
	return modelStep * time.Duration(rapid.IntRange(0, int(most/modelStep)).Draw(w.t, label))
}

func (w *world) manager(n *node, server string) *keys.Manager {
	believed := n.timeline
	if w.bug.timeline != nil {
		w.bug.timeline(&believed)
	}
	return &keys.Manager{
		Store: wire{memory: w.st, node: n}, Server: server, Actor: by().Actor, Sealer: w.sealer, Timeline: believed, Algorithms: []string{keys.ES256},
		Source: keys.Software{}, Now: n.clock, Logger: slog.New(slog.DiscardHandler),
	}
}

func (n *node) clock() time.Time { return n.w.now.Add(n.ahead - n.lag) }

// wire is a replica's connection to the database.
type wire struct {
	*memory
	node *node
}

func (c wire) KeyPlan(ctx context.Context, now store.Moment) (store.KeyPlan, error) {
	if c.node.cut {
		return store.KeyPlan{}, store.ErrUnavailable
	}
	plan, err := c.memory.KeyPlan(ctx, now)
	if c.node.w.bug.forgetful {
		plan.Lifetimes = nil
	}
	return plan, err
}

func (c wire) ChangeKeyPlan(ctx context.Context, change store.KeyPlanChange, by store.Change) error {
	if bug := c.node.w.bug.handover; bug != nil {
		written := append(slices.Clone(change.Update), change.Add...)
		for i, next := range written {
			for j, before := range written {
				if before.KID == next.Predecessor && before.RevokedAt.IsZero() {
					bug(c.node.w, &written[i], &written[j])
				}
			}
		}
		change.Update, change.Add = written[:len(change.Update)], written[len(change.Update):]
	}
	return c.memory.ChangeKeyPlan(ctx, change, by)
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

// event changes something in the world of the replicas.
func (w *world) event() error {
	n := w.nodes[rapid.IntRange(0, len(w.nodes)-1).Draw(w.t, "replica")]
	anyCut := slices.ContainsFunc(w.nodes, func(n *node) bool { return n.cut })
	// A replica that is cut off does not learn what was planned after its last reading, nor do the
	// verifiers with its JWKS.
	reached := !anyCut && !w.st.down && len(w.signed) > 0 && w.now.Sub(w.healed) >= w.longestCached()+w.truth.ClockSkew
	event := rapid.SampledFrom([]string{"nothing", "tick", "delay", "rotate", "rotate", "revoke", "restart", "reconfigure", "outage", "cut"}).Draw(w.t, "event")
	w.seen[event]++
	switch event {
	case "tick":
		return w.tick(n)
	case "delay":
		n.late = true
	case "rotate":
		if reached {
			return w.rotate()
		}
	case "revoke":
		if reached {
			return w.revoke()
		}
	case "restart":
		n.m = nil
		return w.tick(n)
	case "reconfigure":
		if reached {
			return w.reconfigure(n)
		}
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

func (w *world) longestCached() time.Duration {
	longest := w.truth.Cached()
	for _, n := range w.nodes {
		longest = max(longest, n.timeline.Cached())
	}
	return longest
}

// reconfigure gives a replica other lifetimes. It is stopped cleanly, or killed.
func (w *world) reconfigure(n *node) error {
	seconds := func(label string, least, most int) time.Duration {
		return time.Duration(rapid.IntRange(least, most).Draw(w.t, label)) * time.Second
	}
	if n.m != nil && rapid.Bool().Draw(w.t, "in order") {
		if err := n.m.Stop(context.Background()); err != nil {
			return fmt.Errorf("stop: %w", err)
		}
	}
	n.m = nil
	n.timeline.JWKSMaxAge = seconds("max-age", 1, 11) // from 10 s on a stale one is used for another second
	n.timeline.MaxTokenTTL = seconds("lifetime of a token", 1, 10)
	n.timeline.PollInterval = seconds("poll interval", 1, 3)
	n.timeline.RotationInterval = n.timeline.Lead() + seconds("rotation interval", 0, 6)
	return w.tick(n)
}

// administrator is an operator at a command line on another machine, with the usual settings.
func (w *world) administrator() *keys.Manager {
	n := &node{w: w, timeline: w.truth, ahead: w.within("clock of the command", w.truth.ClockSkew), lag: w.within("the command's commit", time.Second/2)}
	return w.manager(n, "")
}

func (w *world) rotate() error {
	if _, err := w.administrator().Rotate(context.Background(), by()); err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	return w.observe()
}

// revoke revokes a key whose successor every verifier knows. The tokens of the key are void, and
// replicas stop signing with it when they know.
func (w *world) revoke() error {
	all, err := w.st.KeyPlan(context.Background(), w.now)
	if err != nil {
		return err
	}
	k := all.Keys[rapid.IntRange(0, len(all.Keys)-1).Draw(w.t, "key")]
	signs := keys.StateAt(k, w.now) == keys.Active || keys.StateAt(k, w.now.Add(w.truth.ClockSkew)) == keys.Active
	for _, next := range all.Keys {
		if next.Predecessor == k.KID && !next.PassedOver() {
			signs = signs && w.now.Before(w.lacking[next.KID])
		}
	}
	if signs || k.RetiredAt.IsZero() { // a verifier would have to fetch again, which is the price of an emergency
		return nil
	}
	if keys.StateAt(k, w.now.Add(w.truth.ClockSkew)) == keys.Removed {
		return nil // it signs by a clock that is ahead
	}
	if _, err := w.administrator().Revoke(context.Background(), by(), k.KID, "drawn"); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	for _, n := range w.nodes { // the database notifies them
		if n.m != nil {
			if err := w.tick(n); err != nil {
				return err
			}
		}
	}
	return w.observe()
}

// outage takes the database away from all replicas, for any time, or gives it back. All replicas
// have read what was planned until then: a replica that has not when a long outage begins cannot
// know it, like one that is cut off.
func (w *world) outage() error {
	if !w.st.down {
		if err := w.settle(); err != nil {
			return err
		}
	}
	w.st.down = !w.st.down
	return nil
}

// settle lets every replica read what the others have planned.
func (w *world) settle() error {
	for settled := false; !settled; {
		before := w.st.writes
		for _, n := range w.nodes {
			if err := w.tick(n); err != nil {
				return err
			}
		}
		settled = w.st.writes == before
	}
	return nil
}

// cut takes the database away from one replica, after its last reading, for as long as the replica
// can do without: until a verifier has the successor of the last key that the replica knows in its
// cache. That key may take over sooner than the replica knows, if lifetimes that were in force
// until a moment ago made it wait.
func (w *world) cut(n *node) error {
	if err := w.settle(); err != nil {
		return err
	}
	for _, k := range w.st.signing {
		if k.RetiredAt.IsZero() && k.ActiveAt.After(w.now.Add(w.truth.ClockSkew)) {
			n.cut, n.cutUntil = true, w.soonest(k).Add(w.shortestInterval()-w.truth.ClockSkew-w.longestCached())
		}
	}
	return nil
}

// soonest returns the earliest moment at which a key may begin to sign.
func (w *world) soonest(k store.SigningKey) time.Time {
	before := w.st.find(k.Predecessor)
	if before == nil || !k.ActiveAt.After(w.now) {
		return k.ActiveAt
	}
	hastened := w.soonest(*before).Add(w.shortestInterval())
	if hastened.Before(w.now) {
		hastened = w.now
	}
	return slices.MinFunc([]time.Time{k.ActiveAt, hastened}, time.Time.Compare)
}

func (w *world) shortestInterval() time.Duration {
	shortest := w.truth.RotationInterval
	for _, n := range w.nodes {
		shortest = min(shortest, n.timeline.RotationInterval)
	}
	return shortest
}

// due ticks every replica that has waited for TickInterval. For a late replica it adds the quarter
// of PollInterval that the reading may take.
func (w *world) due() error {
	for _, n := range w.nodes {
		healed := n.cut && !w.now.Before(n.cutUntil)
		if healed {
			n.cut, w.healed = false, w.now
		}
		wait := n.timeline.PollInterval / 4
		if n.late {
			wait = n.timeline.PollInterval / 2
		}
		if !healed && w.now.Sub(n.ticked) < wait {
			continue
		}
		if err := w.tick(n); err != nil {
			return err
		}
	}
	return w.observe()
}

func (w *world) tick(n *node) error {
	n.ticked, n.late = w.now, rapid.Bool().Draw(w.t, "late")
	n.lag = w.within("commit", min(n.timeline.WriteWithin(), w.truth.WriteWithin()))
	var err error
	if n.m == nil {
		w.served++
		m := w.manager(n, fmt.Sprintf("run %d", w.served))
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

// observe checks the invariants in the present world.
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
		if until := w.now.Add(n.timeline.Cached()); w.lacking[k.KID].Before(until) {
			w.lacking[k.KID] = until
		}
		// The slowest clock of a verifier shows the true time.
		if expires, used := w.signed[k.KID]; used && k.RevokedAt.IsZero() && w.now.Before(expires) {
			return fmt.Errorf("a replica does not publish key %s, whose last token is good for another %v (%s)", k.KID, expires.Sub(w.now), w.describe())
		}
	}
	return nil
}

// describe describes the state for the developer who looks for the fault.
func (w *world) describe() string {
	var b strings.Builder
	for _, k := range w.st.signing {
		fmt.Fprintf(&b, "\n%.4s after %.12s:", k.KID, k.Predecessor)
		for _, m := range []store.Moment{k.PublishedAt, k.ActiveAt, k.RetiredAt, k.RemovedAt, k.RevokedAt} {
			if m.IsZero() {
				b.WriteString(" -")
				continue
			}
			fmt.Fprintf(&b, " %v", m.Sub(w.now))
		}
	}
	for i, n := range w.nodes {
		fmt.Fprintf(&b, "\nreplica %d, %v ahead, up %v, ticked %v: %+v", i, n.ahead, n.m != nil, n.ticked.Sub(w.now), n.timeline)
	}
	return b.String()
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
	if k := w.st.find(s.KID); !k.RevokedAt.IsZero() {
		return nil // it does not know yet: its signature is void
	}
	if until := w.lacking[s.KID]; w.now.Before(until) {
		return fmt.Errorf("key %s signs, and a verifier may have a JWKS without it for another %v (%s)", s.KID, until.Sub(w.now), w.describe())
	}
	if expires := n.clock().Add(n.timeline.MaxTokenTTL); w.signed[s.KID].Before(expires) {
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
