package keys_test

import (
	"context"
	"crypto"
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

// After any operations in any order, the keys of an algorithm are one chain:
//
//   - at every moment from now on, and for clocks that are behind, exactly one is
//     active, if there is one;
//   - each takes over when the one before retires, and no two from the same;
//   - none is active a second time;
//   - none is published for less than its lead before it signs, unless the operator
//     demanded that it signs now, or another one was revoked;
//   - each that retires stays published for the lag from then on.
func TestKeysAreAlwaysOneChain(t *testing.T) {
	sealer := openSealer(t, &memory{})
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		w := newChains(rt, sealer)
		for range rapid.IntRange(5, 40).Draw(rt, "steps") {
			what, err := w.step()
			seen[what]++
			if err != nil {
				rt.Fatalf("%s: %v", what, err)
			}
		}
	})
	t.Logf("seen: %v", seen)
	for _, what := range []string{"plan", "rotate", "rotate now", "revoke", "import", "wait", "reconfigure"} {
		if seen[what] < 50 {
			t.Errorf("%q happened %d times: too few to say anything", what, seen[what])
		}
	}
}

// chains is a database with operations that plan keys.
type chains struct {
	t      *rapid.T
	sealer *sealing.Sealer
	st     *memory
	c      *clock
	m      *keys.Manager
	audit  *audited
}

func chainAlgorithms() []string { return []string{keys.ES256, keys.EdDSA} }

func newChains(t *rapid.T, sealer *sealing.Sealer) *chains {
	w := &chains{t: t, sealer: sealer, st: &memory{}, c: newClock()}
	w.audit = &audited{memory: w.st, w: w}
	w.start(timeline())
	return w
}

func (w *chains) start(tl keys.Timeline) {
	w.m = &keys.Manager{
		Store: w.audit, Server: "one" + newServer(), Actor: by().Actor, Sealer: w.sealer, Timeline: tl, Algorithms: chainAlgorithms(),
		Source: keys.Software{}, Now: w.c.Now, Logger: slog.New(slog.DiscardHandler),
	}
	if len(w.st.signing) == 0 && rapid.Bool().Draw(w.t, "one algorithm at first") {
		w.m.Algorithms = chainAlgorithms()[:1]
	}
}

// step makes an operation and checks the result.
func (w *chains) step() (what string, err error) {
	ctx := context.Background()
	what = rapid.SampledFrom([]string{"plan", "plan", "rotate", "rotate now", "revoke", "import", "wait", "wait", "reconfigure"}).Draw(w.t, "step")
	w.audit.hurried = what == "rotate now" || what == "revoke"
	switch what {
	case "plan":
		err = w.m.Load(ctx)
		if err == nil {
			err = w.m.Tick(ctx)
		}
	case "rotate", "rotate now":
		if len(w.st.signing) == 0 {
			return "nothing", nil
		}
		rotate := w.m.Rotate
		if what == "rotate now" {
			rotate = w.m.RotateNow
		}
		_, err = rotate(ctx, by())
	case "revoke":
		var there []store.SigningKey
		for _, k := range w.st.signing {
			if keys.StateAt(k, w.c.Now()) != keys.Removed {
				there = append(there, k)
			}
		}
		if len(there) == 0 {
			return "nothing", nil
		}
		_, err = w.m.Revoke(ctx, by(), there[rapid.IntRange(0, len(there)-1).Draw(w.t, "key")].KID, "drawn")
	case "import":
		var private crypto.Signer
		if private, err = keys.Generate(rapid.SampledFrom(chainAlgorithms()).Draw(w.t, "of")); err == nil {
			_, err = w.m.Import(ctx, by(), keys.Material{Private: private}, "")
		}
	case "wait":
		most := rapid.SampledFrom([]time.Duration{0, 2 * time.Second, 2 * time.Minute, timeline().Lead(), timeline().RotationInterval, 40 * time.Hour}).Draw(w.t, "most")
		w.c.advance(time.Duration(rapid.Int64Range(0, int64(most/time.Millisecond)).Draw(w.t, "wait")) * time.Millisecond)
	case "reconfigure":
		tl := timeline()
		tl.MaxTokenTTL = rapid.SampledFrom([]time.Duration{time.Minute, 15 * time.Minute, 5 * time.Hour}).Draw(w.t, "lifetime")
		tl.JWKSMaxAge = rapid.SampledFrom([]time.Duration{0, time.Minute, time.Hour}).Draw(w.t, "max-age")
		tl.RotationInterval = tl.Lead() + rapid.SampledFrom([]time.Duration{0, time.Hour, 24 * time.Hour}).Draw(w.t, "interval")
		if w.m.Ready() == nil {
			err = w.m.Stop(ctx)
		}
		w.start(tl)
	}
	if err != nil {
		return what, err
	}
	if w.audit.fault != nil {
		return what, w.audit.fault
	}
	for _, alg := range chainAlgorithms() {
		if err := w.holds(chain(w.st, alg)); err != nil {
			return what, fmt.Errorf("%s: %w\n%s", alg, err, w.describe(alg))
		}
	}
	return what, nil
}

// holds checks the present keys of an algorithm.
func (w *chains) holds(keysOf []store.SigningKey) error {
	now := w.c.Now()
	first := time.Time{}
	moments := []time.Time{now.Add(-timeline().ClockSkew), now}
	predecessors := make(map[string]bool)
	for _, k := range keysOf {
		if predecessors[k.Predecessor] && !k.PassedOver() {
			return fmt.Errorf("two keys follow %q", k.Predecessor)
		}
		predecessors[k.Predecessor] = predecessors[k.Predecessor] || !k.PassedOver()
		state := keys.StateAt(k, now)
		if k.RevokedAt.IsZero() && k.ActiveAt.After(now.Add(-timeline().ClockSkew)) {
			moments = append(moments, k.ActiveAt, k.ActiveAt.Add(-1))
		}
		if state == keys.Active && (first.IsZero() || k.ActiveAt.Before(first)) {
			first = k.ActiveAt
		}
		lives := state == keys.Pending || state == keys.Active
		if before := w.st.find(k.Predecessor); lives && before != nil && before.RevokedAt.IsZero() && !before.RetiredAt.Equal(k.ActiveAt) {
			return fmt.Errorf("%.4s takes over at %v, and the one before retires at %v", k.KID, k.ActiveAt, before.RetiredAt)
		}
		if lives && !k.RetiredAt.IsZero() && k.RetiredAt.Before(k.ActiveAt) {
			return fmt.Errorf("%.4s retires before it signs", k.KID)
		}
	}
	for _, moment := range moments {
		active := 0
		for _, k := range keysOf {
			if keys.StateAt(k, moment) == keys.Active {
				active++
			}
		}
		if active > 1 || active == 0 && !first.IsZero() && !moment.Before(now) {
			return fmt.Errorf("%d keys are active in %v", active, moment.Sub(now))
		}
	}
	return nil
}

func (w *chains) describe(alg string) string {
	out := ""
	for _, k := range chain(w.st, alg) {
		out += fmt.Sprintf("%.4s after %.12s: published %v, active %v", k.KID, k.Predecessor, k.PublishedAt.Sub(w.c.Now()), k.ActiveAt.Sub(w.c.Now()))
		if !k.RetiredAt.IsZero() {
			out += fmt.Sprintf(", retired %v, removed %v", k.RetiredAt.Sub(w.c.Now()), k.RemovedAt.Sub(w.c.Now()))
		}
		out += fmt.Sprintf(", revoked %v\n", !k.RevokedAt.IsZero())
	}
	return out
}

// audited checks each plan when it is written.
type audited struct {
	*memory
	w       *chains
	hurried bool // the operator demanded a change before every verifier can know the next key
	fault   error
}

func (a *audited) ChangeKeyPlan(ctx context.Context, change store.KeyPlanChange, by store.Change) error {
	before := slices.Clone(a.signing)
	tl, err := a.w.m.Effective(ctx)
	if err != nil {
		return err
	}
	if err := a.memory.ChangeKeyPlan(ctx, change, by); err != nil {
		return err
	}
	now := a.w.c.Now()
	for _, k := range append(slices.Clone(change.Update), change.Add...) {
		old, there := store.SigningKey{}, false
		for _, b := range before {
			if b.KID == k.KID {
				old, there = b, true
			}
		}
		if !k.RevokedAt.IsZero() {
			continue
		}
		if there && keys.StateAt(old, now) == keys.Retired && keys.StateAt(k, now) == keys.Active {
			a.fault = fmt.Errorf("%.4s is active a second time", k.KID)
		}
		if !k.RetiredAt.IsZero() && !k.RetiredAt.Equal(old.RetiredAt) && k.RetiredAt.After(now) && k.RemovedAt.Before(k.RetiredAt.Add(tl.Lag())) {
			a.fault = fmt.Errorf("%.4s is published for %v after it retires", k.KID, k.RemovedAt.Sub(k.RetiredAt))
		}
		if !a.hurried && len(before) > 0 && !k.ActiveAt.Equal(old.ActiveAt) && k.ActiveAt.Sub(k.PublishedAt) < tl.Lead() {
			a.fault = fmt.Errorf("%.4s signs %v after it is published", k.KID, k.ActiveAt.Sub(k.PublishedAt))
		}
	}
	return nil
}
