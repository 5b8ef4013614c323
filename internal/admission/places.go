package admission

import (
	"errors"
	"math"
	"sync"
)

// ErrOvertaken says that another request got the place while this one waited for its client.
var ErrOvertaken = errors.New("the place was given to another")

// Places bound the number of requests at once, and the bytes that they hold. No request waits for a
// place: if all are taken, the request that has waited longest for its client is ended. An honest
// client sends its request within moments, so a client that keeps the server waiting on purpose is
// soon the oldest. The zero value bounds nothing. It is safe for concurrent use.
type Places struct {
	Max      int   // at once; 0: no bound
	MaxBytes int64 // of all requests together, and half of that for one caller; 0: no bound

	mu             sync.Mutex
	taken          int
	held           int64
	shares         map[string]int64 // bytes by name
	oldest, newest *Place           // of those that wait for their clients
}

// Place is the place of one request. Enter takes the zero value.
type Place struct {
	of            *Places
	by            string
	held          int64
	taken         bool // and not given to another
	client        Connection
	waits         bool
	before, after *Place // of those that wait
}

// Connection is that of the client for which a place may wait. Abort has to end the wait, and to
// return at once.
type Connection interface{ Abort() }

// Enter takes a place, which the caller gives back with [Place.Leave]. Its error is ErrFull. With
// anyway the request gets a place in any case, because it only waits for its client and the next
// request can overtake it.
func (p *Places) Enter(l *Place, by string, anyway bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.of, l.by = p, by
	for p.Max > 0 && p.taken >= p.Max {
		if p.endOldest("", true) {
			continue
		}
		if !anyway {
			return ErrFull
		}
		break
	}
	p.taken++
	l.taken = true
	return nil
}

// Hold adds to the bytes that the place holds, until it is left. Its errors are ErrShare, ErrFull
// and ErrOvertaken.
func (l *Place) Hold(bytes int64) error {
	p := l.of
	p.mu.Lock()
	defer p.mu.Unlock()
	most := int64(math.MaxInt64)
	if p.MaxBytes > 0 {
		most = p.MaxBytes
	}
	for {
		switch {
		case !l.taken:
			return ErrOvertaken
		case p.shares[l.by] > most/2-bytes:
			if !p.endOldest(l.by, false) {
				return ErrShare
			}
		case p.held > most-bytes:
			if !p.endOldest("", true) {
				return ErrFull
			}
		default:
			p.hold(l, bytes)
			return nil
		}
	}
}

func (p *Places) hold(l *Place, bytes int64) {
	if p.shares == nil {
		p.shares = make(map[string]int64)
	}
	l.held += bytes
	p.held += bytes
	if p.shares[l.by] += bytes; p.shares[l.by] == 0 {
		delete(p.shares, l.by)
	}
}

// Wait says that the request now waits for its client. If another request needs the place, the
// connection is aborted. The caller calls [Place.Resume] when the wait is over. If the place is
// lost already, the error is ErrOvertaken.
func (l *Place) Wait(client Connection) error {
	p := l.of
	p.mu.Lock()
	defer p.mu.Unlock()
	if !l.taken {
		return ErrOvertaken
	}
	l.client, l.waits, l.before = client, true, p.newest
	if p.newest == nil {
		p.oldest = l
	} else {
		p.newest.after = l
	}
	p.newest = l
	return nil
}

// Resume says that the wait is over, and gives back some of the bytes. From now on the request
// keeps its place until it leaves. Its error is ErrOvertaken.
func (l *Place) Resume(bytes int64) error {
	l.of.mu.Lock()
	defer l.of.mu.Unlock()
	if !l.taken {
		return ErrOvertaken
	}
	l.unlink()
	l.of.hold(l, -bytes)
	return nil
}

func (l *Place) unlink() {
	if !l.waits {
		return
	}
	if l.before == nil {
		l.of.oldest = l.after
	} else {
		l.before.after = l.after
	}
	if l.after == nil {
		l.of.newest = l.before
	} else {
		l.after.before = l.before
	}
	l.waits, l.before, l.after = false, nil, nil
}

// Leave gives back the place and what it holds.
func (l *Place) Leave() {
	l.of.mu.Lock()
	defer l.of.mu.Unlock()
	if l.taken {
		l.end()
	}
}

func (l *Place) end() {
	l.unlink()
	l.taken = false
	l.of.taken--
	l.of.hold(l, -l.held)
}

// endOldest takes the place that has waited longest, of one caller or of all, and reports whether
// there was one.
func (p *Places) endOldest(by string, all bool) bool {
	for l := p.oldest; l != nil; l = l.after {
		if all || l.by == by {
			l.end()
			l.client.Abort()
			return true
		}
	}
	return false
}

// InFlight returns the number of places that are taken, and the bytes that they hold.
func (p *Places) InFlight() (places int, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken, p.held
}
