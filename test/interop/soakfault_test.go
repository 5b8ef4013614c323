//go:build interop

package interop

import (
	"context"
	"net/http"
	"strings"
	"time"

	"authserver/test/harness"
)

// disturb causes every kind of fault once, in random order at random moments, and continues until
// there were enough rotations.
func (s *soak) disturb(ctx context.Context, wanted int) {
	faults := []func(){s.kill, s.stop, s.outage, s.rotate, s.rotate}
	for round := 0; round == 0 || s.book.rotations() < wanted; round++ {
		s.random.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
		for _, fault := range faults {
			// A replica takes soakPoll to recover: to read every client after a start, and every
			// change of the keys after a rotation.
			s.pause(soakPoll)
			if ctx.Err() != nil {
				s.book.fail("the soak did not get to %d rotations in time", wanted)
				return
			}
			if s.book.hopeless() || round > 0 && s.book.rotations() >= wanted {
				return
			}
			fault()
		}
	}
}

// pause lasts for least, and for up to twice the poll interval longer.
func (s *soak) pause(least time.Duration) {
	time.Sleep(least + time.Duration(s.random.Int64N(int64(2*soakPoll))))
}

// does counts a fault and names its target.
func (s *soak) does(fault, to string) {
	s.faults[fault]++
	s.t.Log(s.book.when(time.Now()), fault, to)
}

func (s *soak) anyReplica() *replica { return s.fleet.replicas[s.random.IntN(len(s.fleet.replicas))] }

func (s *soak) kill() {
	r := s.anyReplica()
	s.does("kill -9", r.name)
	r.leave().Kill()
	s.pause(0)
	r.start(s.d)
}

func (s *soak) stop() {
	r := s.anyReplica()
	s.does("SIGTERM", r.name)
	if code := r.leave().Stop(); code != 0 {
		s.book.fail("replica %s ended with exit code %d", r.name, code)
	}
	s.pause(0)
	r.start(s.d)
}

// rotate is the command of an administrator who does not wait.
func (s *soak) rotate() {
	args := []string{"key", "rotate"}
	if i := s.random.IntN(1 + len(algorithms())); i > 0 {
		args = append(args, "--alg", algorithms()[i-1])
	}
	s.does("key rotate", strings.Join(args[2:], " "))
	s.d.Run(args...)
}

// outage takes the database away for longer than a key signs, and for longer than the poll interval.
// The replicas must continue as planned.
func (s *soak) outage() {
	// The guarantee is for replicas that know the newest key.
	s.book.await(20*time.Second, "no key was published within the poll interval", func() bool {
		return time.Since(s.book.newest()) > soakPoll
	})
	how, what := s.wire.Cut, "database refuses"
	if s.random.IntN(2) == 0 {
		how, what = s.wire.Silence, "database is silent"
	}
	s.does(what, "")
	began := time.Now()
	how()
	for _, r := range s.fleet.replicas {
		s.book.await(10*time.Second, "replica "+r.name+" is not ready because of its database", func() bool { return s.ready(r, false) })
	}
	s.pause(soakInterval)
	ended := time.Now()
	s.wire.Mend()
	s.gone += ended.Sub(began)
	for _, r := range s.fleet.replicas {
		if s.book.mintedAt(r.name, began, ended) == 0 {
			s.book.fail("replica %s gave no token while the database was gone", r.name)
		}
		s.book.await(20*time.Second, "replica "+r.name+" is ready again", func() bool { return s.ready(r, true) })
	}
	s.t.Log(s.book.when(time.Now()), "database is back")
}

// ready reports whether the replica is ready, or is not ready because its database is gone.
func (s *soak) ready(r *replica, want bool) bool {
	answer := harness.Get(s.t, r.last().URL+"/readyz")
	if want {
		return answer.Status == http.StatusOK
	}
	checks, _ := answer.Body["checks"].(map[string]any)
	return answer.Status == http.StatusServiceUnavailable && checks["database"] == "failed"
}
