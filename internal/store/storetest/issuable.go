package storetest

import (
	"context"
	"testing"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// unissuable returns refusals that a rotation decides by its candidates.
func unissuable() []refusedRotation {
	const other = "https://b.example.com" // a resource of the family, like the first
	return []refusedRotation{
		{"nothing that was granted may be asked for any more", store.Unissuable, nil, func(r *store.Rotation) { r.Candidates = candidates("urn:x") }},
		{"nothing may be asked for", store.Unissuable, nil, func(r *store.Rotation) { r.Candidates = nil }},
		{"no token can be made for one of the resources", store.Unissuable, nil, func(r *store.Rotation) { r.Candidates[1].Kind = -1 }},
		{"no token can be made for the only resource", store.Unissuable, nil, func(r *store.Rotation) {
			r.Candidates = candidates(other)
			r.Candidates[0].Kind = -1
		}},
		{"resources that cannot share a token", store.Unissuable, nil, func(r *store.Rotation) { r.Candidates[1].Kind = 1 }},
		{"scope that no resource knows", store.Unissuable, nil, func(r *store.Rotation) {
			r.Scope, r.Candidates[0].Scope, r.Candidates[1].Scope = oauth.Scope{"read", "write"}, oauth.Scope{"read"}, nil
		}},
		{"scope that only a resource knows which was not granted", store.Unissuable, nil, func(r *store.Rotation) {
			r.Candidates = append(candidates("urn:x"), store.Candidate{Resource: other, Scope: oauth.Scope{"read"}})
			r.Scope = oauth.Scope{"write"}
		}},
		{"more scope than granted, before what cannot be issued", store.ScopeExceeded, nil, func(r *store.Rotation) { r.Candidates, r.Scope = nil, oauth.Scope{"admin"} }},
		{"what cannot be issued, on a retry within the grace", store.Unissuable, func(t *testing.T, ctx context.Context, s store.Store) {
			must[store.RotationResult](t)(s.Rotate(ctx, present(aFamily(1), 1, time.Minute)))
		}, func(r *store.Rotation) { r.Candidates = nil }},
	}
}

// issuable has candidates that do not prevent a token.
func issuable(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	for generation, c := range []struct {
		candidates []store.Candidate
		scope      oauth.Scope
	}{
		{candidates(f.Resources...), nil},
		{candidates(f.Resources[1]), oauth.Scope{"write"}},
		{append(candidates(f.Resources...), store.Candidate{Resource: "urn:x", Kind: -1}, store.Candidate{Resource: "urn:y", Kind: 1}), oauth.Scope{}},
		{[]store.Candidate{
			{Resource: f.Resources[0], Kind: 3, Scope: oauth.Scope{"read"}}, {Resource: f.Resources[1], Kind: 3, Scope: oauth.Scope{"write"}},
		}, oauth.Scope{"write", "read"}},
	} {
		r := present(f, uint32(generation+1), time.Minute)
		r.Candidates, r.Scope = c.candidates, c.scope
		mustRotate(t, ctx, s, r, store.Rotated)
	}
}
