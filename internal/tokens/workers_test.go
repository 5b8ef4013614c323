package tokens

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestWorkersPanicAsTheComputationDoes(t *testing.T) {
	open, closed := NewWorkers(2), NewWorkers(2)
	defer open.Close()
	closed.Close()
	for name, w := range map[string]*Workers{"open": open, "closed": closed} {
		t.Run(name, func(t *testing.T) {
			for range 3 { // more than there are workers
				func() {
					defer func() {
						if p := recover(); p != "so it is" {
							t.Errorf("panicked with %v", p)
						}
					}()
					w.do(func() { panic("so it is") })
				}()
			}
			done := false
			if w.do(func() { done = true }); !done {
				t.Error("nothing was computed after that")
			}
		})
	}
}

func TestWorkersComputeAsManyAtOnceAsThereAre(t *testing.T) {
	const many, calls = 3, 20
	w := NewWorkers(many)
	defer w.Close()
	var running, computed atomic.Int32
	var full, done sync.WaitGroup // full: one is computed by each worker
	full.Add(many)
	for range calls {
		done.Go(func() {
			w.do(func() {
				if now := running.Add(1); now > many {
					t.Errorf("%d at once", now)
				}
				if computed.Add(1) <= many {
					full.Done()
					full.Wait()
				}
				running.Add(-1)
			})
		})
	}
	done.Wait()
	if n := computed.Load(); n != calls {
		t.Errorf("%d of %d were computed", n, calls)
	}
}

func TestCloseWaitsForWhatIsComputed(t *testing.T) {
	w := NewWorkers(1)
	began, proceed := make(chan struct{}), make(chan struct{})
	var finished atomic.Bool
	var caller sync.WaitGroup
	caller.Go(func() {
		w.do(func() {
			close(began)
			<-proceed
			finished.Store(true)
		})
	})
	<-began
	caller.Go(func() { close(proceed) })
	w.Close()
	if !finished.Load() {
		t.Error("closed before the end of what was computed")
	}
	caller.Wait()
}
