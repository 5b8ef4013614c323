package admin

import (
	"context"
	"time"

	"authserver/internal/keys"
	"authserver/internal/store"
)

// Keys has the operations on the server's own keys.
type Keys struct {
	Signing *keys.Manager
	Refresh *keys.RefreshKeys // those that authenticate refresh tokens; nothing is loaded yet
	Now     func() time.Time
}

// List returns the signing keys by algorithm, in the order in which they sign.
func (ks *Keys) List(ctx context.Context, by Call) ([]keys.Listed, error) {
	return ks.Signing.List(ctx)
}

// Planned returns the coming events of the signing keys, soonest first.
func (ks *Keys) Planned(ctx context.Context, by Call) ([]keys.Event, error) {
	return ks.Signing.Planned(ctx)
}

// Rotate makes the next key of each given algorithm, or of all, sign as soon as it may, or with now
// at once, and returns the plan. Running servers follow.
func (ks *Keys) Rotate(ctx context.Context, by Call, algs []string, now bool) ([]keys.Event, error) {
	if err := checkAlgs(algs); err != nil {
		return nil, err
	}
	rotate := ks.Signing.Rotate
	if now {
		rotate = ks.Signing.RotateNow
	}
	events, err := rotate(ctx, by.change(store.KeyRescheduled, ks.Now()), distinct(algs)...)
	return listed(events), err
}

// Unseen returns the next keys of the given algorithms, or of all, that some verifiers may not know
// yet.
func (ks *Keys) Unseen(ctx context.Context, by Call, algs []string) ([]keys.Unseen, error) {
	if err := checkAlgs(algs); err != nil {
		return nil, err
	}
	return ks.Signing.Unseen(ctx, distinct(algs)...)
}

// checkAlgs demands algorithms of signing keys.
func checkAlgs(algs []string) error {
	var f form
	for n, alg := range algs {
		f.checkKnown(Field("algorithms").at(n), alg, keys.Algorithms())
	}
	return f.result()
}

// Export returns the public half of a key.
func (ks *Keys) Export(ctx context.Context, by Call, kid string) (keys.Exported, error) {
	exported, err := ks.Signing.Export(ctx, kid)
	return exported, explain("key", kid, err)
}

// Revoke takes a signing key out of use at once. Running servers follow.
func (ks *Keys) Revoke(ctx context.Context, by Call, kid, reason string) (keys.Revoked, error) {
	var f form
	if reason == "" {
		f.fault("reason", CodeRequired, "it must not be empty: an operator who inspects a token of the key later wants to know")
	}
	f.checkText("reason", reason, maxReason)
	if err := f.result(); err != nil {
		return keys.Revoked{}, err
	}
	revoked, err := ks.Signing.Revoke(ctx, by.change(store.KeyRevoked, ks.Now()), kid, reason)
	return revoked, explain("key", kid, err)
}

const maxReason = 500 // bytes

// RefreshTokenKeys returns the keys that authenticate refresh tokens. With rotate it first brings
// the next one forward.
func (ks *Keys) RefreshTokenKeys(ctx context.Context, by Call, rotate bool) ([]keys.ListedRefreshKey, error) {
	if err := ks.Refresh.Reload(ctx); err != nil {
		return nil, err
	}
	if rotate {
		if err := ks.Refresh.Rotate(ctx, by.change(store.RefreshKeyRescheduled, ks.Now())); err != nil {
			return nil, err
		}
	}
	return ks.Refresh.List(), nil
}
