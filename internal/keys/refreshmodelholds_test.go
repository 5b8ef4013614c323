package keys_test

import (
	"bytes"
	"fmt"
	"slices"

	"authserver/internal/keys"
	"authserver/internal/store"
)

// holds presents every token to every replica.
func (f *flock) holds() error {
	f.pass()
	for i, r := range f.replicas {
		if r.refresh == nil {
			continue
		}
		now := r.clock()
		for _, x := range f.families {
			if !now.Before(x.idleUntil) {
				continue
			}
			if err := x.last.accepted(r.refresh); err != nil {
				return fmt.Errorf("replica %d refuses a token that is good for another %v: %w (%s)", i, x.idleUntil.Sub(now), err, f.describe())
			}
			if err := x.retried(r); err != nil {
				return fmt.Errorf("replica %d %w (%s)", i, err, f.describe())
			}
		}
		for _, x := range f.passing {
			if err := x.retried(r); err != nil {
				return fmt.Errorf("replica %d %w (%s)", i, err, f.describe())
			}
		}
	}
	f.count()
	return nil
}

// pass lets every replica make a token.
func (f *flock) pass() {
	f.passing = slices.DeleteFunc(f.passing, func(x *family) bool { return f.now.Sub(x.rotatedAt) > modelGrace })
	for _, r := range f.replicas {
		if r.refresh != nil && !f.st.down {
			x := &family{rotatedAt: store.At(r.clock())}
			x.last.id, x.last.key, _ = r.refresh.At(x.rotatedAt)
			x.before = x.last
			f.passing = append(f.passing, x)
		}
	}
}

// retried returns nil if a replica answers a retry with the first answer.
func (x *family) retried(r *replica) error {
	if x.before.id == 0 || r.clock().Sub(x.rotatedAt) > modelGrace {
		return nil
	}
	if err := x.before.accepted(r.refresh); err != nil {
		return fmt.Errorf("refuses a retry: %w", err)
	}
	if id, key, _ := r.refresh.At(x.rotatedAt); id != x.last.id || !bytes.Equal(key, x.last.key) {
		return fmt.Errorf("answers a retry with a token of key %d, where it was %d", id, x.last.id)
	}
	return nil
}

func (m made) accepted(r *keys.RefreshKeys) error {
	key, ok := r.ByID(m.id)
	if !ok {
		return fmt.Errorf("key %d is not there", m.id)
	}
	if !bytes.Equal(key, m.key) {
		return fmt.Errorf("key %d is another", m.id)
	}
	return nil
}

func (f *flock) count() {
	f.seen["turns"], f.seen["ends"] = max(0, len(f.st.secret)-2), 0
	for _, k := range f.st.secret {
		if !k.RemovedAt.IsZero() && k.RemovedAt.Before(f.now) {
			f.seen["ends"]++
		}
	}
}

// describe describes the state for the developer who looks for the fault.
func (f *flock) describe() string {
	var b bytes.Buffer
	for _, k := range f.st.secret {
		fmt.Fprintf(&b, "\nkey %d: made %v, in use %v", k.ID, k.CreatedAt.Sub(f.now), k.ActiveAt.Sub(f.now))
		if !k.RemovedAt.IsZero() {
			fmt.Fprintf(&b, ", good until %v", k.RemovedAt.Sub(f.now))
		}
	}
	for i, r := range f.replicas {
		fmt.Fprintf(&b, "\nreplica %d, %v ahead, ticked %v: %+v", i, r.ahead, r.ticked.Sub(f.now), r.timeline)
	}
	return b.String()
}
