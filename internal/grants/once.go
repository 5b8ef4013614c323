package grants

import (
	"context"
	"errors"
	"fmt"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// SingleUse is a part of a request that the servers accept once: a client's assertion, a DPoP
// proof, or an assertion that is exchanged. Its use is recorded last, when the token is made and
// nothing can refuse the request any more. So the client can repeat a request that was refused or
// that the server could not answer, and a refused request writes nothing. If two requests bring the
// same one at once, the database accepts one of them.
type SingleUse struct {
	store.Use
	OnReplay func() *oauth.Error // makes the refusal of a replay
}

// ReplayError is the cause of a refusal because of an earlier use.
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

// replayError makes the refusal if it was used before.
func (o SingleUse) replayError() error {
	refused := o.OnReplay()
	return refused.Because(&ReplayError{Use: o.Use, cause: refused.Unwrap()})
}

// UseUp records all uses, or none if one was recorded before.
func UseUp(ctx context.Context, used store.Assertions, once []SingleUse) error {
	if len(once) == 0 {
		return nil
	}
	return refuseAgain(once, used.UseOnce(ctx, uses(once)...))
}

// refuseAgain turns an error of recording the uses into the answer.
func refuseAgain(once []SingleUse, err error) error {
	var replayed *store.ReplayedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &replayed):
		return once[replayed.Index].replayError()
	}
	return fmt.Errorf("record the single uses: %w", err)
}

func uses(once []SingleUse) []store.Use {
	list := make([]store.Use, 0, len(once))
	for _, o := range once {
		list = append(list, o.Use)
	}
	return list
}
