package store

import (
	"context"
	"errors"
	"time"
)

// Delivery is a logout token that a client has to get, since a session that it took part in
// has ended (OpenID Connect Back-Channel Logout 1.0). It is a row of an outbox: the token
// itself is made for each attempt.
type Delivery struct {
	ID        string // a UUID (RFC 9562 §5.7, version 7), which sorts by CreatedAt; the engine makes it
	ClientID  string
	UserID    string
	SessionID SessionID
	CreatedAt Moment // when the session ended
	DueAt     Moment // when it is tried again; while a server tries it, when another one may
	Attempts  int    // that were begun
	Fault     string // why the last attempt failed; "": it did not, or there was none
	EndedAt   Moment // zero: it is tried again
	Delivered bool   // whether the client got it, where it ended
}

// KeepDelivered is how long a delivery that ended is kept, so that an administrator can look
// it up.
const KeepDelivered = 24 * time.Hour

// Deliveries keeps the logout tokens that clients have to get. They are added with the end
// of a session: by EndSession, by EndExpiredSessions, and by a change of a user that makes
// sessions void, for each client with a BackchannelLogoutURI that took part in it. RevokeConsent
// adds them for its client alone, in each session of the user that lives.
type Deliveries interface {
	// ClaimDeliveries takes at most limit deliveries that are due at a moment, the earliest
	// first, counts an attempt of each and makes it due again at another: no other server has
	// it until then, and where this one stops in between, another goes on.
	ClaimDeliveries(ctx context.Context, now, again Moment, limit int) ([]Delivery, error)
	// SettleDelivery writes down what became of an attempt: DueAt, Fault, EndedAt and
	// Delivered. by.Event is recorded where it ended and was not delivered. Where another
	// server has begun an attempt since, nothing is written, which is no error.
	SettleDelivery(ctx context.Context, d Delivery, by Change) error
	// ListDeliveries returns deliveries in the order of their IDs.
	ListDeliveries(ctx context.Context, p DeliveryPage) ([]Delivery, error)
	// JoinSession adds a client that takes part in a session without a family. ErrNotFound
	// where the session is gone or ended.
	JoinSession(ctx context.Context, id SessionID, clientID string) error
	// SessionClients returns the clients that took part in a session, sorted: those of its
	// families, of which some may be swept, and those that joined it.
	SessionClients(ctx context.Context, id SessionID) ([]string, error)
}

// DeliveryPage is a listing of deliveries: at most Limit (1 to MaxPage) whose ID sorts after
// After.
type DeliveryPage struct {
	After string
	Limit int
}

// Check returns an error where the limit is out of bounds.
func (p DeliveryPage) Check() error { return Page{Limit: p.Limit}.Check() }

// CheckClaim returns an error where a claim has no bounds, or would come back at once.
func CheckClaim(now, again Moment, limit int) error {
	if limit < 1 || limit > MaxPage || !now.Before(again) {
		return errors.New("a claim of deliveries has to have a limit, and to end after it began")
	}
	return nil
}
