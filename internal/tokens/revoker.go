package tokens

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"time"

	"authserver/internal/store"
)

// RevokerStore records what is void.
type RevokerStore interface {
	Revoke(ctx context.Context, by store.Change) error
	RevokeFamily(ctx context.Context, id store.FamilyID, by store.Change) error
	EndSession(ctx context.Context, id store.SessionID, by store.Change) error
	EndExpiredSessions(ctx context.Context, before store.Moment, limit int, by store.Change) (int, error)
	RevokeConsent(ctx context.Context, userID, clientID string, by store.Change) error
}

// Revoker is the only part that makes tokens void: those of a user or a client, of a
// family, or one alone, by a server or by a command. It knows until when a server may
// still issue a token that is void. The store knows when the last of those tokens expires,
// since it has the lifetimes that every server has promised. The settings of this process
// do not count for that: a command has its own, servers may differ, and a setting may have
// changed since the token was issued.
type Revoker struct {
	Store RevokerStore
	View  *View // obeys at once what this process voids
	Now   func() time.Time
	Skew  time.Duration // the most by which two clocks differ
	// Issuing is longer than any request takes, so that one that read a row before it was
	// changed has issued its token.
	Issuing time.Duration
	// Stale is how long a server uses a client that it has read, while it cannot reach the
	// database.
	Stale  time.Duration
	Logger *slog.Logger
}

// Client makes every token and family of a client void: it moves the NotBefore on, and
// returns what to record with the change of the client.
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

// nextNotBefore is a NotBefore that is now, to the millisecond that a token remembers, and later
// than the one before whatever this machine's clock says.
func (r *Revoker) nextNotBefore(before store.Moment) store.Moment {
	return store.LaterNotBefore(store.At(r.Now().Truncate(time.Millisecond)), before)
}

// Reuse is what [store.Families.Rotate] records where it finds at the moment given that a
// refresh token was used twice.
func (r *Revoker) Reuse(id store.FamilyID, now time.Time) store.Void {
	return r.family(id, now, "refresh_reused")
}

// Replay is what [store.Families.Redeem] records where it finds at the moment given that an
// authorization code was used twice.
func (r *Revoker) Replay(id store.FamilyID, now time.Time) store.Void {
	return r.family(id, now, "code_replayed")
}

func (r *Revoker) family(id store.FamilyID, now time.Time, reason string) store.Void {
	return store.Void{
		Kind: store.RevokedFamily, Value: hex.EncodeToString(id[:]), Before: store.At(now), IssuedUntil: store.At(now.Add(r.Issuing)), Reason: reason,
	}
}

// By is who asks to revoke, in which request, and why.
type By struct {
	Actor     store.Actor
	RequestID string // "": a command asked
	Reason    string // slug for the audit
}

func (b By) change(what store.EventType, v store.Void) store.Change {
	return store.Change{Actor: b.Actor, Event: what, At: v.Before, RequestID: b.RequestID, Voids: v}
}

// Family ends a family, and makes its access tokens void.
func (r *Revoker) Family(ctx context.Context, by By, id store.FamilyID) error {
	if err := r.Store.RevokeFamily(ctx, id, by.change(store.FamilyRevoked, r.family(id, r.Now(), by.Reason))); err != nil {
		return fmt.Errorf("revoke the refresh token family: %w", err)
	}
	r.ReloadView(ctx)
	return nil
}

// Session ends the session of a browser with the families that live as long as it does, and
// makes their access tokens void. [store.ErrNotFound] if there is none.
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
// live as long as they do, and returns how many. What access tokens there are expire by
// themselves.
func (r *Revoker) ExpiredSessions(ctx context.Context, actor store.Actor, before store.Moment, limit int) (int, error) {
	by := By{Actor: actor}.change(store.SessionEnded, store.Void{Before: store.At(r.Now()), Reason: store.EndedByExpiry})
	ended, err := r.Store.EndExpiredSessions(ctx, before, limit, by)
	if err != nil {
		return ended, fmt.Errorf("end the sessions that expired: %w", err)
	}
	return ended, nil
}

// ReloadView reads into this process's view what the store has recorded. If that fails
// now, the watcher does it later.
func (r *Revoker) ReloadView(ctx context.Context) {
	if err := r.View.Follow(ctx); err != nil {
		r.Logger.WarnContext(ctx, "the view of revocations is behind", "error", err)
	}
}

// Token makes one access token void, for every replica, and this process obeys at once.
// Where the clock of a replica is behind it is good there for a little longer than here.
func (r *Revoker) Token(ctx context.Context, by By, jti string, expires time.Time) error {
	v := store.Void{
		Kind: store.RevokedToken, Value: jti, Before: store.At(r.Now()), Until: store.At(expires.Add(r.Skew)), Reason: by.Reason,
	}
	if err := r.Store.Revoke(ctx, by.change(store.TokensRevoked, v)); err != nil {
		return fmt.Errorf("record a revocation: %w", err)
	}
	r.View.add([]store.Revocation{{Kind: v.Kind, Value: v.Value, Before: v.Before, ExpiresAt: v.Until, Reason: v.Reason}})
	return nil
}

// Consent takes back what a user lets a client ask for, ends every family of the user at
// the client and makes their access tokens void. [store.ErrNotFound] where there is neither.
func (r *Revoker) Consent(ctx context.Context, by By, userID, clientID string) error {
	void := r.family(store.FamilyID{}, r.Now(), by.Reason)
	void.Value = "" // that of each family, which the store fills in
	if err := r.Store.RevokeConsent(ctx, userID, clientID, by.change(store.ConsentRevoked, void)); err != nil {
		return fmt.Errorf("revoke the consent: %w", err)
	}
	r.ReloadView(ctx)
	return nil
}
