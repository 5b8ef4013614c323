package oidc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"authserver/internal/store"
)

// Bounds of the delivery of logout tokens.
const (
	maxDeliveries   = 50 // at once
	deliverLease    = 30 * time.Second
	deliverAttempts = 15
	deliverWithin   = 24 * time.Hour
	deliverFirst    = 5 * time.Second // after the first attempt, and twice as long after each
	deliverLongest  = 15 * time.Minute
	maxFault        = 300 // bytes
)

// The results of an attempt, for the metrics.
const (
	DeliveryDelivered = "delivered"
	DeliveryFailed    = "failed" // and is tried again
	DeliveryGivenUp   = "given_up"
)

// Backchannel sends logout tokens to clients (OpenID Connect Back-Channel Logout 1.0 §2.5). The
// store has the outbox, so a restart loses nothing, and exactly one of several servers sends each
// token.
type Backchannel struct {
	Store interface {
		ClaimDeliveries(ctx context.Context, now, again store.Moment, limit int) ([]store.Delivery, error)
		SettleDelivery(ctx context.Context, d store.Delivery, by store.Change) error
	}
	Clients store.Clients
	Tokens  *LogoutTokens
	// Sender posts a form; it is [remotekeys.Fetcher], which guards against addresses that are
	// not public.
	Sender interface {
		Post(ctx context.Context, to string, form url.Values) error
	}
	Actor  store.Actor // of the event logout.undelivered
	Now    func() time.Time
	Logger *slog.Logger

	delivered, failed, givenUp atomic.Int64
}

// Count is the number of attempts with a result since the start.
func (b *Backchannel) Count(result string) int64 {
	switch result {
	case DeliveryDelivered:
		return b.delivered.Load()
	case DeliveryFailed:
		return b.failed.Load()
	}
	return b.givenUp.Load()
}

// Deliver sends the logout tokens that are due, a bounded number at once.
func (b *Backchannel) Deliver(ctx context.Context) error {
	now := b.Now()
	claimed, err := b.Store.ClaimDeliveries(ctx, store.At(now), store.At(now.Add(deliverLease)), maxDeliveries)
	if err != nil {
		return fmt.Errorf("claim logout tokens to deliver: %w", err)
	}
	errs := make([]error, len(claimed))
	var wg sync.WaitGroup
	for n, d := range claimed {
		wg.Go(func() { errs[n] = b.deliver(ctx, d) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// final is an error that another attempt would not cure.
type final struct{ why string }

func (e *final) Error() string { return e.why }

// deliver makes an attempt and records its result. If this server cannot even try, the delivery
// waits for the end of its lease.
func (b *Backchannel) deliver(ctx context.Context, d store.Delivery) error {
	client, err := b.Clients.Client(ctx, d.ClientID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("look up the client of a logout token: %w", err)
	}
	if err != nil || client.Disabled || client.BackchannelLogoutURI == "" {
		return b.settle(ctx, d, &final{"the client has no back-channel logout URI any more"})
	}
	token, err := b.Tokens.LogoutToken(b.Now(), client, d.UserID, d.SessionID)
	if err != nil {
		return b.settle(ctx, d, fmt.Errorf("make a logout token: %w", err))
	}
	sent := b.Sender.Post(ctx, client.BackchannelLogoutURI, url.Values{"logout_token": {token}})
	if ctx.Err() != nil { // this server stops; the client is not at fault
		return ctx.Err()
	}
	return b.settle(ctx, d, sent)
}

func (b *Backchannel) settle(ctx context.Context, d store.Delivery, failed error) error {
	now := b.Now()
	var never *final
	log := b.Logger.With("client_id", d.ClientID, "session", d.SessionID.String(), "attempt", d.Attempts)
	switch {
	case failed == nil:
		b.delivered.Add(1)
		d.Delivered, d.EndedAt, d.Fault = true, store.At(now), ""
		log.InfoContext(ctx, "a client was told that a session ended")
	case errors.As(failed, &never), d.Attempts >= deliverAttempts, now.Sub(d.CreatedAt) >= deliverWithin:
		b.givenUp.Add(1)
		d.EndedAt, d.Fault = store.At(now), faultText(failed)
		log.WarnContext(ctx, "a client could not be told that a session ended", "error", failed)
	default:
		b.failed.Add(1)
		wait := backoff(d.Attempts)
		d.DueAt, d.Fault = store.At(now.Add(wait)), faultText(failed)
		log.WarnContext(ctx, "a client could not be told yet that a session ended", "retry_in", wait.String(), "error", failed)
	}
	by := store.Change{Actor: b.Actor, Event: store.LogoutUndelivered, At: store.At(now)}
	if err := b.Store.SettleDelivery(ctx, d, by); err != nil {
		return fmt.Errorf("record whether a client was told: %w", err)
	}
	return nil
}

// backoff is the wait after a number of attempts.
func backoff(attempts int) time.Duration {
	wait := deliverFirst
	for range attempts - 1 {
		wait = min(2*wait, deliverLongest)
	}
	return wait
}

func faultText(err error) string {
	text := err.Error()
	return text[:min(len(text), maxFault)]
}
