package tokens

import (
	"bytes"
	"testing"
	"time"
)

// oneKey is a key that is valid at all times.
type oneKey struct {
	id  uint32
	key []byte
}

func (k oneKey) At(time.Time) (uint32, []byte, bool) { return k.id, k.key, true }
func (k oneKey) ByID(id uint32) ([]byte, bool)       { return k.key, id == k.id }

func TestNonces(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const skew = 7 * time.Minute // longer than a turn
	n := &Nonces{Keys: oneKey{1, bytes.Repeat([]byte{7}, 32)}, Skew: skew}
	nonce, err := n.Make(now)
	if err != nil {
		t.Fatal(err)
	}
	for after, want := range map[time.Duration]bool{
		-time.Hour: false, -skew - time.Second: false, -skew: true, -time.Second: true, 0: true, nonceTurn: true, // of a clock that is ahead, and of this one
		2*nonceTurn - time.Second: true, 2*nonceTurn + skew - time.Second: true, 2*nonceTurn + skew: false, time.Hour: false, // of one that is behind
	} {
		if got := n.Good(now.Add(after), nonce); got != want {
			t.Errorf("%s later it is good: %t, want %t", after, got, want)
		}
	}
	for name, other := range map[string]*Nonces{
		"another key":       {Keys: oneKey{1, bytes.Repeat([]byte{8}, 32)}},
		"a key that is not": {Keys: oneKey{2, bytes.Repeat([]byte{7}, 32)}},
	} {
		if other.Good(now, nonce) {
			t.Errorf("it is good under %s", name)
		}
	}
	for _, forged := range []string{"", "x", nonce + "A", nonce[1:], "A" + nonce[1:]} {
		if forged != nonce && n.Good(now, forged) {
			t.Errorf("%q is good", forged)
		}
	}
}
