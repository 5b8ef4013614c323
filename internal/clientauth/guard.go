package clientauth

import (
	"context"

	"authserver/internal/attempts"
	"authserver/internal/store"
)

// guesses are the attempts at a client's secret that a request makes: one, however many ways
// there are to read it.
type guesses struct {
	guard   *attempts.Guard
	request Request
	id      string // the client_id in the request
	client  string // the client_id, if there is such a client
	turn    attempts.Attempt
	entered bool
}

// enter has the request wait for its turn, once: the error is an [attempts.ThrottledError]. It
// counts by client and network alone: a wrong secret comes from a server that is set up
// wrongly more often than from an attacker.
func (g *guesses) enter(ctx context.Context) error {
	if g.entered {
		return nil
	}
	var err error
	g.turn, err = g.guard.Enter(ctx, store.ClientAccount(g.id), attempts.Origin{Share: g.request.From, Backend: true})
	g.entered = err == nil
	return err
}

// failed counts that no secret was right, unless the next one has to wait.
func (g *guesses) failed(ctx context.Context) error {
	if err := g.enter(ctx); err != nil {
		return err
	}
	g.turn.Failed(ctx, attempts.Subject{ClientID: g.client, RequestID: g.request.RequestID, LocalOnly: g.client == ""})
	return nil
}

// passed forgets what was counted, where the secret was compared now or cannot be guessed. One
// that is known already and can be guessed forgets nothing: a client that is busy would give
// its neighbours guesses.
func (g *guesses) passed(ctx context.Context, strong bool) {
	switch {
	case g.entered:
		g.turn.Passed(ctx)
	case strong:
		g.guard.Forget(ctx, store.ClientAccount(g.id), attempts.Origin{Share: g.request.From, Backend: true})
	}
}
