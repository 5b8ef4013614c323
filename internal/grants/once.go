package grants

import (
	"context"
	"errors"
	"fmt"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// SingleUse is a part of a request that is good once: a client's assertion, a proof of
// possession, or an assertion that is exchanged. It is used up last, when there is a
// token and nothing can refuse the request any more. So the client can repeat a request
// that was refused or that the server could not answer, and a refused request writes
// nothing. If two requests bring the same one at once, the database accepts one of them.
type SingleUse struct {
	store.Use
	OnReplay func() *oauth.Error // refuses what was used before
}

// ReplayError is the cause of the refusal of what was used before.
type ReplayError struct {
	Use   store.Use
	cause error // of the refusal itself; nil: none
}

func (r *ReplayError) Error() string {
	if r.cause == nil {
		return "it was used before"
	}
	return r.cause.Error()
}

func (r *ReplayError) Unwrap() error { return r.cause }

// replayError refuses what was used before.
func (o SingleUse) replayError() error {
	refused := o.OnReplay()
	return refused.Because(&ReplayError{Use: o.Use, cause: refused.Unwrap()})
}

// UseUp uses up all of them, or none where one was used before.
func UseUp(ctx context.Context, used store.Assertions, once []SingleUse) error {
	if len(once) == 0 {
		return nil
	}
	return refuseAgain(once, used.UseOnce(ctx, uses(once)...))
}

// refuseAgain is what a request is told whose uses were recorded with an error.
func refuseAgain(once []SingleUse, err error) error {
	var replayed *store.ReplayedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &replayed):
		return once[replayed.Index].replayError()
	}
	return fmt.Errorf("record what is good once: %w", err)
}

func uses(once []SingleUse) []store.Use {
	list := make([]store.Use, 0, len(once))
	for _, o := range once {
		list = append(list, o.Use)
	}
	return list
}
