package admin

import (
	"context"
	"slices"
	"strings"

	"authserver/internal/keys"
)

// ListKeys returns the signing keys by algorithm, in the order in which they sign.
func (a *Admin) ListKeys(ctx context.Context) ([]keys.Listed, error) { return a.Keys.List(ctx) }

// PlannedKeys returns what is to come of the signing keys, soonest first.
func (a *Admin) PlannedKeys(ctx context.Context) ([]keys.Event, error) { return a.Keys.Planned(ctx) }

// RotateKeys brings the next key of each algorithm named, or of all, to sign as
// soon as it may, and returns what was planned. Running servers follow.
func (a *Admin) RotateKeys(ctx context.Context, algs []string) ([]keys.Event, error) {
	for _, alg := range algs {
		if !slices.Contains(a.Keys.Algorithms, alg) {
			return nil, invalid("--alg %q is not in use: choose from %s", alg, strings.Join(a.Keys.Algorithms, ", "))
		}
	}
	return a.Keys.Rotate(ctx, distinct(algs)...)
}
