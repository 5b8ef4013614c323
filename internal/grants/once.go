package grants

import (
	"context"
	"errors"
	"fmt"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// Once is a part of a request that is good once: a client's assertion, a proof of
// possession, or an assertion that is exchanged. It is used up last, when there is a
// token and nothing can refuse the request any more. So the client can repeat a request
// that was refused or that the server could not answer, and a refused request writes
// nothing. If two requests bring the same one at once, the database accepts one of them.
type Once struct {
	store.Use
	Again func() *oauth.Error // refuses what was used before
}

// Replay is the cause of the refusal of what was used before.
type Replay struct {
	Use   store.Use
	cause error // of the refusal itself; nil: none
}

func (r *Replay) Error() string {
	if r.cause == nil {
		return "it was used before"
	}
	return r.cause.Error()
}

func (r *Replay) Unwrap() error { return r.cause }

// replayError refuses what was used before.
func (o Once) replayError() error {
	refused := o.Again()
	return refused.Because(&Replay{Use: o.Use, cause: refused.Unwrap()})
}

// UseUp uses up all of them, or none where one was used before.
func UseUp(ctx context.Context, used store.Assertions, once []Once) error {
	if len(once) == 0 {
		return nil
	}
	return refuseAgain(once, used.UseOnce(ctx, uses(once)...))
}

// refuseAgain is what a request is told whose uses were recorded with an error.
func refuseAgain(once []Once, err error) error {
	var replayed *store.Replayed
	switch {
	case err == nil:
		return nil
	case errors.As(err, &replayed):
		return once[replayed.Of].replayError()
	}
	return fmt.Errorf("record what is good once: %w", err)
}

func uses(once []Once) []store.Use {
	list := make([]store.Use, 0, len(once))
	for _, o := range once {
		list = append(list, o.Use)
	}
	return list
}
