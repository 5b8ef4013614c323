package store

import (
	"context"
	"errors"
	"time"
)

// Delivery is a logout token for a client, because a session that it took part in has ended (OpenID
// Connect Back-Channel Logout 1.0). It is a row of an outbox: the token itself is made for each
// attempt.
type Delivery struct {
	ID        string // a UUID (RFC 9562 §5.7, version 7), which sorts by CreatedAt; the engine makes it
	ClientID  string
	UserID    string
	SessionID SessionID
	CreatedAt Moment // when the session ended
	DueAt     Moment // the next attempt; during an attempt, when another server may try
	Attempts  int    // that began
	Fault     string // why the last attempt failed; "": it succeeded, or there was none
	EndedAt   Moment // zero: it is tried again
	Delivered bool   // if it ended: whether the client got it
}

// KeepDelivered is how long a finished delivery stays, so that an administrator can look it up.
const KeepDelivered = 24 * time.Hour

// Deliveries is the outbox of logout tokens. The end of a session adds one for each client with a
// BackchannelLogoutURI that took part in it: by EndSession, by EndExpiredSessions, and by a change
// of a user that ends sessions. RevokeConsent adds them only for its client, for each live session
// of the user.
type Deliveries interface {
	// ClaimDeliveries takes at most limit deliveries that are due at a moment, the earliest first,
	// counts an attempt of each and makes it due again at a later one. No other server gets it
	// before that; if this one stops, another continues.
	ClaimDeliveries(ctx context.Context, now, again Moment, limit int) ([]Delivery, error)
	// SettleDelivery records the result of an attempt: DueAt, Fault, EndedAt and Delivered. It
	// records by.Event if the delivery ended without success. If another server has begun an
	// attempt since, it writes nothing, and that is no error.
	SettleDelivery(ctx context.Context, d Delivery, by Change) error
	// ListDeliveries returns deliveries in the order of their IDs.
	ListDeliveries(ctx context.Context, p DeliveryPage) ([]Delivery, error)
	// JoinSession adds a client that takes part in a session without a family. ErrNotFound if the
	// session was deleted or has ended.
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

// Check returns an error if the limit is out of bounds.
func (p DeliveryPage) Check() error { return Page{Limit: p.Limit}.Check() }

// CheckClaim returns an error if a claim has no limit, or would be due again at once.
func CheckClaim(now, again Moment, limit int) error {
	if limit < 1 || limit > MaxPage || !now.Before(again) {
		return errors.New("a claim of deliveries has to have a limit, and to end after it began")
	}
	return nil
}
