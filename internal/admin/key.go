package admin

import (
	"context"
	"io"
	"slices"
	"strings"

	"authserver/internal/keys"
)

// ListKeys returns the signing keys by algorithm, in the order in which they sign.
func (a *Admin) ListKeys(ctx context.Context) ([]keys.Listed, error) { return a.Keys.List(ctx) }

// PlannedKeys returns what is to come of the signing keys, soonest first.
func (a *Admin) PlannedKeys(ctx context.Context) ([]keys.Event, error) { return a.Keys.Planned(ctx) }

// NewMasterKey returns a new master key, as base64 of 32 bytes.
func NewMasterKey(rand io.Reader) (string, error) { return keys.NewMasterKey(rand) }

// RotateKeys brings the next key of each algorithm named, or of all, to sign as
// soon as it may, and returns what was planned. Running servers follow.
func (a *Admin) RotateKeys(ctx context.Context, algs []string) ([]keys.Event, error) {
	for _, alg := range algs {
		if !slices.Contains(a.Keys.Algorithms, alg) {
			return nil, invalid("--alg %q is not in use: choose from %s", alg, strings.Join(a.Keys.Algorithms, ", "))
		}
	}
	events, err := a.Keys.Rotate(ctx, distinct(algs)...)
	return listed(events), err
}

// RevokeKey takes a signing key out of use at once. Running servers follow.
func (a *Admin) RevokeKey(ctx context.Context, kid, reason string) (keys.Revoked, error) {
	if err := checkText("--reason", reason, maxReason); err != nil {
		return keys.Revoked{}, err
	}
	if reason == "" {
		return keys.Revoked{}, invalid("--reason must not be empty: whoever reads the log later wants to know")
	}
	return a.Keys.Revoke(ctx, kid, reason)
}

const maxReason = 500 // bytes
