package tokens

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"authserver/internal/store"
)

// RevokerStore records revocations.
type RevokerStore interface {
	Revoke(ctx context.Context, v store.Void) error
	RevokeFamily(ctx context.Context, id store.FamilyID, by store.Change) error
	EndSession(ctx context.Context, id store.SessionID, by store.Change) error
	EndExpiredSessions(ctx context.Context, before store.Moment, limit int, by store.Change) (int, error)
	RevokeConsent(ctx context.Context, userID, clientID string, by store.Change) error
}

// Revoker is the only part that revokes tokens: all of a user or a client, those of a family, or a
// single one, for a server or a command. It knows until when a server may still issue a token that
// counts as revoked. The store knows when the last of those tokens expires, because it has the
// lifetimes that every server has promised. The settings of this process do not count for that: a
// command has its own, servers may differ, and a setting may have changed since the token was
// issued.
type Revoker struct {
	Store RevokerStore
	View  *View // is updated at once with the revocations of this process
	Now   func() time.Time
	Skew  time.Duration // the most by which two clocks differ
	// Issuing is longer than any request takes, so that a request that read a row before its change
	// has issued its token by then.
	Issuing time.Duration
	// Stale is how long a server uses a client that it has read, while it cannot reach the
	// database.
	Stale  time.Duration
	Logger *slog.Logger
}

// Client revokes every token and family of a client: it moves the NotBefore on, and returns the
// Void to record with the change of the client.
func (r *Revoker) Client(c *store.Client, reason string) store.Void {
	c.NotBefore = r.nextNotBefore(c.NotBefore)
	return store.Void{
		Kind: store.RevokedClient, Value: c.ID, Before: c.NotBefore, IssuedUntil: store.At(r.Now().Add(r.Stale + r.Issuing)), Reason: reason,
	}
}

// User is Client for a user.
func (r *Revoker) User(u *store.User, reason string) store.Void {
	u.NotBefore = r.nextNotBefore(u.NotBefore)
	return store.Void{
		Kind: store.RevokedUser, Value: u.ID, Before: u.NotBefore, IssuedUntil: store.At(r.Now().Add(r.Issuing)), Reason: reason,
	}
}

// nextNotBefore is a NotBefore of now, in milliseconds as in a token, and later than the one
// before, whatever this machine's clock says.
func (r *Revoker) nextNotBefore(before store.Moment) store.Moment {
	return store.LaterNotBefore(store.At(r.Now().Truncate(time.Millisecond)), before)
}

// Reuse is the Void that [store.Families.Rotate] records if a refresh token was used twice.
func (r *Revoker) Reuse(id store.FamilyID, now time.Time) store.Void {
	return r.family(id, now, store.EndedByReuse)
}

// Replay is the Void that the store records if an authorization code was used twice.
func (r *Revoker) Replay(id store.FamilyID, now time.Time) store.Void {
	return r.family(id, now, store.EndedByReplay)
}

func (r *Revoker) family(id store.FamilyID, now time.Time, reason string) store.Void {
	return store.Void{
		Kind: store.RevokedFamily, Value: id.String(), Before: store.At(now), IssuedUntil: store.At(now.Add(r.Issuing)), Reason: reason,
	}
}

// By is the actor of a revocation, its request, and the reason.
type By struct {
	Actor     store.Actor
	RequestID string // "": a command
	Reason    string // slug for the audit
}

func (b By) change(what store.EventType, v store.Void) store.Change {
	return store.Change{Actor: b.Actor, Event: what, At: v.Before, RequestID: b.RequestID, Voids: v}
}

// Family revokes a family and its access tokens.
func (r *Revoker) Family(ctx context.Context, by By, id store.FamilyID) error {
	if err := r.Store.RevokeFamily(ctx, id, by.change(store.FamilyRevoked, r.family(id, r.Now(), by.Reason))); err != nil {
		return fmt.Errorf("revoke the refresh token family: %w", err)
	}
	r.ReloadView(ctx)
	return nil
}

// Session ends the session of a browser with the families that depend on it, and revokes their
// access tokens. [store.ErrNotFound] if there is none.
func (r *Revoker) Session(ctx context.Context, by By, id store.SessionID) error {
	void := r.family(store.FamilyID{}, r.Now(), by.Reason)
	void.Value = "" // that of each family, which the store fills in
	if err := r.Store.EndSession(ctx, id, by.change(store.SessionEnded, void)); err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	r.ReloadView(ctx)
	return nil
}

// ExpiredSessions ends at most limit sessions that expired before a moment, with the families that
// depend on them, and returns how many. Their access tokens expire by themselves.
func (r *Revoker) ExpiredSessions(ctx context.Context, actor store.Actor, before store.Moment, limit int) (int, error) {
	by := By{Actor: actor}.change(store.SessionEnded, store.Void{Before: store.At(r.Now()), Reason: store.EndedByExpiry})
	ended, err := r.Store.EndExpiredSessions(ctx, before, limit, by)
	if err != nil {
		return ended, fmt.Errorf("end the sessions that expired: %w", err)
	}
	return ended, nil
}

// ReloadView updates the view of this process from the store. If that fails now, the watcher does
// it later.
func (r *Revoker) ReloadView(ctx context.Context) {
	if err := r.View.Follow(ctx); err != nil {
		r.Logger.WarnContext(ctx, "the view of revocations is behind", "error", err)
	}
}

// Token revokes one access token on every replica, and on this one at once. A replica whose clock
// is behind accepts it a little longer.
func (r *Revoker) Token(ctx context.Context, reason, jti string, expires time.Time) error {
	v := store.Void{
		Kind: store.RevokedToken, Value: jti, Before: store.At(r.Now()), Until: store.At(expires.Add(r.Skew)), Reason: reason,
	}
	if err := r.Store.Revoke(ctx, v); err != nil {
		return fmt.Errorf("record a revocation: %w", err)
	}
	r.View.add([]store.Revocation{{Kind: v.Kind, Value: v.Value, Before: v.Before, ExpiresAt: v.Until, Reason: v.Reason}})
	return nil
}

// Consent removes the consent of a user to a client, and revokes every family of the user at the
// client with its access tokens. [store.ErrNotFound] if there is neither.
func (r *Revoker) Consent(ctx context.Context, by By, userID, clientID string) error {
	void := r.family(store.FamilyID{}, r.Now(), by.Reason)
	void.Value = "" // that of each family, which the store fills in
	if err := r.Store.RevokeConsent(ctx, userID, clientID, by.change(store.ConsentRevoked, void)); err != nil {
		return fmt.Errorf("revoke the consent: %w", err)
	}
	r.ReloadView(ctx)
	return nil
}
