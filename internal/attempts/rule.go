package attempts

import (
	"crypto/sha256"
	"time"

	"authserver/internal/store"
)

// rule decides how long attempts wait.
type rule struct {
	free    int           // failures without a wait; the next attempt waits a second, and each after that twice as long
	longest time.Duration // wait
	forget  time.Duration // after which one failure is forgotten
	most    time.Duration // after which all are
}

// ruleOf is the rule of a counter.
//
// NIST SP 800-63B-4 §3.2.2 allows at most 100 consecutive failures, and recommends waits that grow.
// From one network an account takes 21 guesses in the first hour and 2 in each hour after it, 67 on
// the first day. Many people may share an address, so an address waits only after many failures,
// and not for long: it allows 2 guesses a minute at any accounts.
func ruleOf(key store.FailureKey) rule {
	if key.Account == [sha256.Size]byte{} {
		return rule{free: 50, longest: time.Minute, forget: 30 * time.Second, most: time.Hour}
	}
	return rule{free: 10, longest: 30 * time.Minute, forget: 30 * time.Minute, most: 24 * time.Hour}
}

// failures is the value of a counter after its last failure.
func (r rule) failures(f store.Failures) int {
	return int((f.ClearAt.Sub(f.At) + r.forget - 1) / r.forget)
}

// until is when the next attempt may be made.
func (r rule) until(f store.Failures) time.Time {
	over := r.failures(f) - r.free
	if over < 0 {
		return f.At
	}
	wait := r.longest
	if over < 30 { // a wait of more is too long anyway, and would overflow
		wait = min(wait, time.Second<<over)
	}
	return f.At.Add(wait)
}
