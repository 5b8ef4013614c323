//go:build interop

package interop

import (
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"authserver/test/harness"
)

// book is a record of tokens, keys and faults.
type book struct {
	t     *testing.T
	begun time.Time

	mu        sync.Mutex
	tokens    []*minted
	keys      map[string]*key // by kid
	processes map[*harness.Server]*process
	order     []*process
	failures  int
}

// minted is a token.
type minted struct {
	number        int
	replica       string
	raw, alg, kid string
	before, after time.Time // it was signed between these moments
	expires       time.Time
}

// key is a signing key.
type key struct {
	first *minted   // nil: it has not signed yet
	seen  time.Time // first, in any JWKS
}

// process is one process of a replica, as its JWKS shows it.
type process struct {
	name        string
	first, last time.Time // the times of the fetches
	keys        map[string]*sight
	missed      map[string]bool // keys of good tokens that its JWKS did not have
}

// sight is the time in which a process had a key in its JWKS.
type sight struct{ first, last time.Time }

// when returns a moment as seconds since the beginning.
func (b *book) when(at time.Time) string { return fmt.Sprintf("%.2fs", at.Sub(b.begun).Seconds()) }

// fail counts a failure and prints the first ones.
func (b *book) fail(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failLocked(format, args...)
}

func (b *book) failLocked(format string, args ...any) {
	b.t.Helper()
	if b.failures++; b.failures <= enough {
		b.t.Errorf(b.when(time.Now())+" "+format, args...)
	}
}

// hopeless reports whether there are so many failures that more add no information.
func (b *book) hopeless() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failures >= enough
}

// await waits until a condition is true, and counts a failure if it is not in time.
func (b *book) await(within time.Duration, what string, condition func() bool) {
	for deadline := time.Now().Add(within); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.fail("not within %s: %s", within, what)
			return
		}
	}
}

// add records a token.
func (b *book) add(m *minted) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens = append(b.tokens, m)
	m.number = len(b.tokens)
	k := b.keys[m.kid]
	if k == nil {
		k = &key{}
		b.keys[m.kid] = k
	}
	if k.first == nil || m.after.Before(k.first.after) {
		k.first = m
	}
}

// look records the published keys of a process, fetched between two moments. It counts a failure if
// they lack the key of a token that is good at both moments.
func (b *book) look(name string, s *harness.Server, kids []string, before, after time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.processes[s]
	if p == nil {
		p = &process{name: fmt.Sprintf("%s (process %d)", name, s.Pid()), first: before, keys: map[string]*sight{}, missed: map[string]bool{}}
		b.processes[s] = p
		b.order = append(b.order, p)
	}
	p.last = before
	published := map[string]bool{}
	for _, kid := range kids {
		published[kid] = true
		if p.keys[kid] == nil {
			p.keys[kid] = &sight{first: after}
		}
		p.keys[kid].last = after
		k := b.keys[kid]
		if k == nil {
			k = &key{}
			b.keys[kid] = k
		}
		if k.seen.IsZero() {
			k.seen = after
		}
	}
	for i := len(b.tokens) - 1; i >= 0 && b.tokens[i].after.After(before.Add(-2*soakTTL)); i-- {
		m := b.tokens[i]
		if m.after.Before(before) && m.expires.After(after) && !published[m.kid] && !p.missed[m.kid] {
			p.missed[m.kid] = true
			b.failLocked("the JWKS of %s lacks the key of a token that is good\n%s", p.name, b.describe(m))
		}
	}
}

// judgeKeys requires every key to be in the JWKS of every process for the max-age before its first
// token.
func (b *book) judgeKeys() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range b.keys {
		if k.first == nil {
			continue
		}
		latest := k.first.after.Add(-soakMaxAge)
		if k.seen.IsZero() || k.seen.After(latest) {
			b.failLocked("a key signs that was not in any JWKS %s before\n%s", soakMaxAge, b.describe(k.first))
		}
		for _, p := range b.order {
			saw := p.keys[k.first.kid]
			if p.first.Before(latest) && p.last.After(k.first.after) && (saw == nil || saw.first.After(latest)) {
				b.failLocked("a key signs that was not in the JWKS of %s %s before\n%s", p.name, soakMaxAge, b.describe(k.first))
			}
		}
	}
}

// describe returns all information about a token and its key. The token is useless when the test is
// over.
func (b *book) describe(m *minted) string {
	var text strings.Builder
	parts := strings.Split(m.raw, ".")
	for i, name := range []string{"header", "claims"} {
		decoded, err := base64.RawURLEncoding.DecodeString(parts[i])
		fmt.Fprintf(&text, "\t%s: %s %v\n", name, decoded, errorOr(err, ""))
	}
	fmt.Fprintf(&text, "\ttoken %d, given by replica %s between %s and %s, expires %s\n\tkey %s:\n",
		m.number, m.replica, b.when(m.before), b.when(m.after), b.when(m.expires), m.kid)
	if k := b.keys[m.kid]; k != nil && k.first != nil {
		fmt.Fprintf(&text, "\t\tsigned its first token before %s\n", b.when(k.first.after))
	}
	for _, p := range b.order {
		if saw := p.keys[m.kid]; saw != nil {
			fmt.Fprintf(&text, "\t\tin the JWKS of %s from %s to %s\n", p.name, b.when(saw.first), b.when(saw.last))
		} else {
			fmt.Fprintf(&text, "\t\tnever in the JWKS of %s, seen from %s to %s\n", p.name, b.when(p.first), b.when(p.last))
		}
	}
	return text.String()
}

func errorOr(err error, otherwise string) string {
	if err != nil {
		return err.Error()
	}
	return otherwise
}

// rotations returns how often both algorithms have changed to a new key.
func (b *book) rotations() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	signed := map[string]int{}
	for _, k := range b.keys {
		if k.first != nil {
			signed[k.first.alg]++
		}
	}
	least := signed[algorithms()[0]]
	for _, alg := range algorithms() {
		least = min(least, signed[alg])
	}
	return least - 1
}

// known returns the number of keys that had been seen at a moment.
func (b *book) known(at time.Time) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range b.keys {
		if k.seen.Before(at) {
			n++
		}
	}
	return n
}

// newest returns when the last key was published.
func (b *book) newest() (newest time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range b.keys {
		if k.seen.After(newest) {
			newest = k.seen
		}
	}
	return newest
}

// mintedAt returns the number of tokens of a replica between two moments.
func (b *book) mintedAt(replica string, from, to time.Time) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.tokens {
		if m.replica == replica && m.before.After(from) && m.after.Before(to) {
			n++
		}
	}
	return n
}
