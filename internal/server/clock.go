package server

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"authserver/internal/store"
)

// newClock names the clock that this run of a server reads.
func newClock(skew time.Duration) (store.Clock, error) {
	var id [8]byte
	if _, err := io.ReadFull(rand.Reader, id[:]); err != nil {
		return store.Clock{}, fmt.Errorf("name the clock of this server: %w", err)
	}
	// It is neither negative nor 0.
	id[0], id[7] = id[0]&0x7f, id[7]|1
	return store.Clock{ID: store.ClockID(binary.BigEndian.Uint64(id[:])), Skew: skew}, nil //nolint:gosec // G115: 63 bits fit
}
