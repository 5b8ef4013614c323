package passwords

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrBusy says that the queue for bcrypt is full, or that the wait in it took too
// long. Nothing was computed: ask again in a moment.
var ErrBusy = errors.New("too many passwords are being checked at once: try again in a moment, or raise --password-workers or --password-queue")

// admission lets a few computations run and a few more wait. A channel hands a
// slot to whoever has waited longest.
type admission struct {
	slots chan struct{} // holds one for each computation that runs
	queue chan struct{} // holds one for each caller that waits for a slot
	wait  time.Duration

	mu      sync.Mutex // orders what busy is told
	running int
	busy    func(bool)
}

// enter takes a slot, which the caller gives back with leave when its
// computation has ended: not when its client has gone away, for the processor is
// busy until then.
func (a *admission) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("check a password: %w", err)
	}
	select {
	case a.slots <- struct{}{}:
		a.count(1)
		return nil
	default:
	}
	select {
	case a.queue <- struct{}{}:
		defer func() { <-a.queue }()
	default:
		return ErrBusy
	}
	timeout := time.NewTimer(a.wait)
	defer timeout.Stop()
	select {
	case a.slots <- struct{}{}:
		a.count(1)
		return nil
	case <-timeout.C:
		return ErrBusy
	case <-ctx.Done():
		return fmt.Errorf("wait for a password worker: %w", ctx.Err())
	}
}

func (a *admission) leave() {
	a.count(-1)
	<-a.slots
}

// count tells when the computations begin and end.
func (a *admission) count(change int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.running
	a.running += change
	if (was == 0) != (a.running == 0) {
		a.busy(a.running > 0)
	}
}
