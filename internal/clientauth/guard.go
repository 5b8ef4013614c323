package clientauth

import (
	"context"

	"authserver/internal/attempts"
	"authserver/internal/store"
)

// guesses counts a request as one attempt at a client's secret, however many readings its
// credentials have.
type guesses struct {
	guard   *attempts.Guard
	request Request
	id      string // the client_id in the request
	client  string // the client_id, if the client exists
	turn    attempts.Attempt
	entered bool
}

// enter checks once whether the request has to wait: the error is an [attempts.ThrottledError]. It
// counts only by client and network, because a wrong secret comes from a misconfigured server more
// often than from an attacker.
func (g *guesses) enter(ctx context.Context) error {
	if g.entered {
		return nil
	}
	var err error
	g.turn, err = g.guard.Enter(ctx, store.ClientAccount(g.id), attempts.Origin{Share: g.request.From, Backend: true})
	g.entered = err == nil
	return err
}

// failed counts the failure, unless the request had to wait.
func (g *guesses) failed(ctx context.Context) error {
	if err := g.enter(ctx); err != nil {
		return err
	}
	g.turn.Failed(ctx, attempts.Subject{ClientID: g.client, RequestID: g.request.RequestID, LocalOnly: g.client == ""})
	return nil
}

// passed resets the counter if the secret was compared now or cannot be guessed. A cached guessable
// secret resets nothing: otherwise a busy client would give guesses to its neighbours.
func (g *guesses) passed(ctx context.Context, strong bool) {
	switch {
	case g.entered:
		g.turn.Passed(ctx)
	case strong:
		g.guard.Forget(ctx, store.ClientAccount(g.id), attempts.Origin{Share: g.request.From, Backend: true})
	}
}
