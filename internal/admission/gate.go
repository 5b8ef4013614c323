package admission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// The refusals of a gate. Nothing was done for the caller, which may ask again in a moment.
var (
	// ErrFull says that the queue is full.
	ErrFull = errors.New("as many requests wait as may")
	// ErrShare says that the caller fills its share of the queue.
	ErrShare = errors.New("as many requests of this caller wait as may")
	// ErrLate says that the turn did not come in time.
	ErrLate = errors.New("the turn did not come in time")
)

// Gate admits Slots requests at once. A request that has to wait joins the queue of its caller, and
// the callers take turns, however long their queues are. It is safe for concurrent use.
type Gate struct {
	Slots int
	Queue int           // how many may wait
	Wait  time.Duration // the longest wait
	// Spare keeps slots free for callers that have none: one caller gets at most the slots that it
	// leaves, and half of them if no other caller asks. It is for work that takes longer than
	// another caller should wait.
	Spare bool
	// Waited is called for each wait that ended with a turn; nil: no function is.
	Waited func(time.Duration)
	Now    func() time.Time

	mu      sync.Mutex
	taken   int
	waiting int
	held    map[string]int // slots by name
	lines   []*line        // the callers that wait, in the order of their turns
}

// line is the queue of one caller, in order of arrival.
type line struct {
	by    string
	turns []chan struct{} // closed when it has come
}

// Enter takes a slot, which the caller gives back with [Gate.Leave] by the same name. Its error is
// a refusal of this package, or that of ctx.
func (g *Gate) Enter(ctx context.Context, by string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("wait for a turn: %w", err)
	}
	turn, err := g.enqueue(by, g.Queue)
	if turn == nil || err != nil {
		return err
	}
	began := g.Now()
	timeout := time.NewTimer(g.Wait)
	defer timeout.Stop()
	select {
	case <-turn:
	case <-timeout.C:
		err = ErrLate
	case <-ctx.Done():
		err = fmt.Errorf("wait for a turn: %w", ctx.Err())
	}
	if err != nil && g.forget(by, turn) {
		return err
	}
	g.report(began)
	return nil
}

// Take is Enter for short work whose callers are bounded elsewhere: it waits without a limit of
// time or number.
func (g *Gate) Take(by string) {
	turn, err := g.enqueue(by, int(^uint(0)>>1))
	if turn == nil || err != nil { // it has a slot already: without a bound there is no error
		return
	}
	began := g.Now()
	<-turn
	g.report(began)
}

func (g *Gate) report(began time.Time) {
	if g.Waited != nil {
		g.Waited(g.Now().Sub(began))
	}
}

// enqueue returns nil if the caller got a slot, and otherwise a channel that is closed once it has
// one.
func (g *Gate) enqueue(by string, queue int) (chan struct{}, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mayEnter(by) { // then no request of this caller waits: each that could enter has entered
		g.take(by)
		return nil, nil
	}
	own := slices.IndexFunc(g.lines, func(l *line) bool { return l.by == by })
	mine := 0
	if own >= 0 {
		mine = len(g.lines[own].turns)
	}
	switch {
	case g.waiting >= queue:
		return nil, ErrFull
	case mine >= queue-g.waiting: // no more than is left to others
		return nil, ErrShare
	}
	if own < 0 {
		g.lines = append(g.lines, &line{by: by})
		own = len(g.lines) - 1
	}
	turn := make(chan struct{})
	g.lines[own].turns = append(g.lines[own].turns, turn)
	g.waiting++
	return turn, nil
}

func (g *Gate) mayEnter(by string) bool {
	free := g.Slots - g.taken
	return free > 0 && (!g.Spare || g.held[by] < free)
}

func (g *Gate) take(by string) {
	if g.held == nil {
		g.held = make(map[string]int)
	}
	g.held[by]++
	g.taken++
}

// Leave gives a slot back.
func (g *Gate) Leave(by string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.taken--
	if g.held[by]--; g.held[by] == 0 {
		delete(g.held, by)
	}
	g.next()
}

// next admits callers by their turns, as long as there are slots.
func (g *Gate) next() {
	for g.taken < g.Slots {
		i := slices.IndexFunc(g.lines, func(l *line) bool { return g.mayEnter(l.by) })
		if i < 0 {
			return
		}
		l := g.lines[i]
		close(l.turns[0])
		l.turns = l.turns[1:]
		g.waiting--
		g.take(l.by)
		g.lines = slices.Delete(g.lines, i, i+1)
		if len(l.turns) > 0 {
			g.lines = append(g.lines, l) // the other callers come first now
		}
	}
}

// forget removes a request from the queue. It reports false if its turn has come in the meantime.
func (g *Gate) forget(by string, turn chan struct{}) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	own := slices.IndexFunc(g.lines, func(l *line) bool { return l.by == by })
	if own < 0 {
		return false
	}
	l := g.lines[own]
	i := slices.Index(l.turns, turn)
	if i < 0 {
		return false
	}
	g.waiting--
	if l.turns = slices.Delete(l.turns, i, i+1); len(l.turns) == 0 {
		g.lines = slices.Delete(g.lines, own, own+1)
	}
	return true
}

// InFlight returns the number of slots that are taken.
func (g *Gate) InFlight() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.taken
}

// Waiting returns the number of requests that wait.
func (g *Gate) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waiting
}
