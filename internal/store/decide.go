package store

import (
	"slices"
	"time"
)

// Presented has what decides whether a refresh token is valid.
type Presented struct {
	Generation      uint32
	User            User   // of the family
	ClientNotBefore Moment // of its client
	Now             Moment
	Clock           Clock         // that shows Now
	Grace           time.Duration // how long the generation before may be presented again; 0: it may not
}

// Exchanged returns the outcome of a refresh token of a live family: Reused, Graced or Rotated. A
// generation ahead of the family's is one whose commit was lost, and is valid.
func (f Family) Exchanged(p Presented) Outcome {
	switch {
	case p.Generation >= f.Generation:
		return Rotated
	case p.Grace > 0 && !f.RotatedAt.IsZero() && p.Generation == f.Generation-1 &&
		p.Clock.Earliest(At(p.Now), f.RotatedBy).Sub(f.RotatedAt) <= p.Grace:
		return Graced
	}
	return Reused
}

// Outcome returns the outcome of a refresh token of the family: Revoked, Expired, Reused, Graced or
// Rotated. Only Rotated is the newest token.
func (f Family) Outcome(p Presented) Outcome {
	switch {
	case f.Void(p.User, p.ClientNotBefore):
		return Revoked
	case f.Expired(At(p.Now), p.Clock):
		return Expired
	}
	return f.Exchanged(p)
}

// Decide returns the outcome of a rotation, in the order of the outcomes, from the present family
// and user, and from whether one of the uses was recorded before. An engine that decides in SQL has
// the same result.
func (r Rotation) Decide(f Family, u User, usedBefore bool) Outcome {
	outcome := f.Outcome(Presented{r.Generation, u, r.ClientNotBefore, r.Now, r.Clock, r.Grace})
	switch {
	case f.ClientID != r.ClientID:
		return WrongClient
	case f.BoundTo != "" && !slices.Contains(r.Proved, f.BoundTo):
		return WrongKey
	case outcome == Revoked, outcome == Expired:
		return outcome
	case usedBefore:
		return UsedBefore
	case outcome == Reused:
		return Reused
	case !r.Scope.IsSubsetOf(f.Scope):
		return ScopeExceeded
	case exceeds(r.Resources, f.Resources):
		return ResourceExceeded
	case !r.Issuable(f):
		return Unissuable
	}
	return outcome
}

// exceeds reports whether the request asks for more than was granted.
func exceeds(asked, granted []string) bool {
	return slices.ContainsFunc(asked, func(one string) bool { return !slices.Contains(granted, one) })
}
