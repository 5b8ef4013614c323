package admin

import (
	"context"
	"io"
	"time"

	"authserver/internal/keys"
	"authserver/internal/keys/sealing"
	"authserver/internal/store"
)

// ListKeys returns the signing keys by algorithm, in the order in which they sign.
func (a *Admin) ListKeys(ctx context.Context, by Call) ([]keys.Listed, error) {
	return a.Keys.List(ctx)
}

// PlannedKeys returns what is to come of the signing keys, soonest first.
func (a *Admin) PlannedKeys(ctx context.Context, by Call) ([]keys.Event, error) {
	return a.Keys.Planned(ctx)
}

// NewMasterKey returns a new master key, as base64 of 32 bytes.
func NewMasterKey(rand io.Reader) (string, error) { return sealing.NewMasterKey(rand) }

// RotateKeys brings the next key of each algorithm named, or of all, to sign as
// soon as it may, or with now at once, and returns what was planned. Running
// servers follow.
func (a *Admin) RotateKeys(ctx context.Context, by Call, algs []string, now bool) ([]keys.Event, error) {
	if err := checkAlgs(algs); err != nil {
		return nil, err
	}
	rotate := a.Keys.Rotate
	if now {
		rotate = a.Keys.RotateNow
	}
	events, err := rotate(ctx, by.change(store.KeyRescheduled, a.Now()), distinct(algs)...)
	return listed(events), err
}

// UnseenKeys returns the next keys of the algorithms named, or of all, that there
// may be verifiers without.
func (a *Admin) UnseenKeys(ctx context.Context, by Call, algs []string) ([]keys.Unseen, error) {
	if err := checkAlgs(algs); err != nil {
		return nil, err
	}
	return a.Keys.Unseen(ctx, distinct(algs)...)
}

// checkAlgs wants algorithms that a signing key can have.
func checkAlgs(algs []string) error {
	var f form
	for n, alg := range algs {
		f.checkKnown(Field("algorithms").at(n), alg, keys.Algorithms())
	}
	return f.result()
}

// awaitKey warns where a key does not sign with the algorithm yet, because every
// verifier has to be able to know it first.
func (a *Admin) awaitKey(ctx context.Context, alg string) (warnings []Fault, err error) {
	warn := func(format string, args ...any) []Fault {
		return []Fault{newFault("signing_alg", CodeUnused, format+". Token requests for this resource are answered with 503 until then", args...)}
	}
	at, there, err := a.Keys.SignsFrom(ctx, alg)
	switch {
	case err != nil:
		return nil, err
	case !there:
		return warn("there is no %s key yet: a server makes one now, or when it starts; %v shows from when on it signs", alg, Operation{Noun: "key", Verb: "list"}), nil
	case a.Now().Before(at):
		return warn("the first %s key signs from %s on, when every verifier can know it", alg, at.Format(time.RFC3339)), nil
	}
	return nil, nil
}

// wantKey refuses to have tokens of a resource that is in use signed with an
// algorithm before there is a key that signs.
func (a *Admin) wantKey(ctx context.Context, f *form, alg string) {
	at, there, err := a.Keys.SignsFrom(ctx, alg)
	switch {
	case err != nil:
		f.fail("look for a key: %w", err)
	case !there:
		f.fault("signing_alg", CodeConflict, "%s has no key yet: make one first with %v", alg, Operation{Noun: "key", Verb: "rotate"}.with("algorithms", alg))
	case a.Now().Before(at):
		f.fault("signing_alg", CodeConflict, "%s can be used from %s on, when every verifier can know its first key", alg, at.Format(time.RFC3339))
	}
}

// ExportKey returns the public half of a key.
func (a *Admin) ExportKey(ctx context.Context, by Call, kid string) (keys.Exported, error) {
	exported, err := a.Keys.Export(ctx, kid)
	return exported, explain("key", kid, err)
}

// RevokeKey takes a signing key out of use at once. Running servers follow.
func (a *Admin) RevokeKey(ctx context.Context, by Call, kid, reason string) (keys.Revoked, error) {
	var f form
	if reason == "" {
		f.fault("reason", CodeRequired, "it must not be empty: an operator who inspects a token of the key later wants to know")
	}
	f.checkText("reason", reason, maxReason)
	if err := f.result(); err != nil {
		return keys.Revoked{}, err
	}
	revoked, err := a.Keys.Revoke(ctx, by.change(store.KeyRevoked, a.Now()), kid, reason)
	return revoked, explain("key", kid, err)
}

const maxReason = 500 // bytes
