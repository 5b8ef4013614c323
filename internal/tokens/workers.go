package tokens

import (
	"runtime"
	"sync"
)

// Workers compute signatures that take as long as it takes the kernel to think of
// others, each on a thread of its own, so that it can tell those threads from the
// rest: one that computes waits for its turn, one that mostly sleeps gets the
// processor when it wakes. Were signatures computed by the threads that answer
// requests, all of them would look like one that computes, and an answer of a few
// microseconds would wait for milliseconds. It is safe for concurrent use.
type Workers struct {
	calls  chan call
	closed chan struct{}
	group  sync.WaitGroup
}

// call is a computation that somebody waits for.
type call struct {
	compute func()
	ended   chan any // gets what compute panicked with
}

func (c call) run() {
	defer func() { c.ended <- recover() }()
	c.compute()
}

// NewWorkers starts as many workers as given, until [Workers.Close].
func NewWorkers(many int) *Workers {
	w := &Workers{calls: make(chan call), closed: make(chan struct{})}
	for range many {
		w.group.Go(w.work)
	}
	return w
}

func (w *Workers) work() {
	runtime.LockOSThread() // and never unlocked: with the goroutine the thread ends
	for {
		select {
		case c := <-w.calls:
			c.run()
		case <-w.closed:
			return
		}
	}
}

// do has a worker compute, and waits for it; after Close the caller computes. It
// panics as the computation does, where the handler of the request turns that into
// an error.
func (w *Workers) do(compute func()) {
	c := call{compute, make(chan any, 1)}
	select {
	case w.calls <- c:
	case <-w.closed:
		compute()
		return
	}
	if p := <-c.ended; p != nil {
		panic(p)
	}
}

// Close ends the workers, after what they compute.
func (w *Workers) Close() {
	close(w.closed)
	w.group.Wait()
}
