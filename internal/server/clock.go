package server

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"authserver/internal/store"
)

// newClock names the clock of this run of a server.
func newClock(skew time.Duration) (store.Clock, error) {
	var id [4]byte
	if _, err := io.ReadFull(rand.Reader, id[:]); err != nil {
		return store.Clock{}, fmt.Errorf("name the clock of this server: %w", err)
	}
	// It is neither negative nor 0.
	id[0], id[3] = id[0]&0x7f, id[3]|1
	return store.Clock{ID: store.ClockID(binary.BigEndian.Uint32(id[:])), Skew: skew}, nil //nolint:gosec // G115: 31 bits fit
}
