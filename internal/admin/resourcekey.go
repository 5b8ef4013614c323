package admin

import (
	"context"
	"time"
)

// awaitKey warns if no key signs with the algorithm yet, because every verifier has to be able to
// know it first.
func (rs *Resources) awaitKey(ctx context.Context, alg string) (warnings []Fault, err error) {
	warn := func(format string, args ...any) []Fault {
		return []Fault{newFault("signing_alg", CodeUnused, format+". Token requests for this resource are answered with 503 until then", args...)}
	}
	at, there, err := rs.Keys.SignsFrom(ctx, alg)
	switch {
	case err != nil:
		return nil, err
	case !there:
		return warn("there is no %s key yet: a server makes one now, or when it starts; %v shows from when on it signs", alg, Operation{Noun: "key", Verb: "list"}), nil
	case rs.Now().Before(at):
		return warn("the first %s key signs from %s on, when every verifier can know it", alg, at.Format(time.RFC3339)), nil
	}
	return nil, nil
}

// signingKeys returns when the server signs with an algorithm; it is [keys.Manager].
type signingKeys interface {
	SignsFrom(ctx context.Context, alg string) (at time.Time, there bool, err error)
}

// wantKey refuses an algorithm before a key signs with it.
func (f *form) wantKey(ctx context.Context, keys signingKeys, now func() time.Time, field Field, alg string) {
	at, there, err := keys.SignsFrom(ctx, alg)
	switch {
	case err != nil:
		f.fail("look for a key: %w", err)
	case !there:
		f.fault(field, CodeConflict, "%s has no key yet: make one first with %v", alg, Operation{Noun: "key", Verb: "rotate"}.with("algorithms", alg))
	case now().Before(at): // in a database without keys, the first one will sign at once
		f.fault(field, CodeConflict, "%s can be used from %s on, when every verifier can know its first key", alg, at.Format(time.RFC3339))
	}
}
