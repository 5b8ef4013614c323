package events

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
)

// orders is the number of events of one moment that have an order.
const orders = 1 << 14

// NewID makes the ID of an event of a moment: a UUID of version 7 (RFC 9562 §5.7), which
// sorts by the moment, to the microsecond (§6.2, method 3), and by order among those of one
// moment (method 1). Its only error is that of random.
func NewID(at time.Time, order uint, random io.Reader) (string, error) {
	var id uuid.UUID
	if _, err := io.ReadFull(random, id[10:]); err != nil {
		return "", fmt.Errorf("make the ID of an event: %w", err)
	}
	setTime(&id, at)
	fraction := max(at.UnixMicro(), 0) % 1000 * (1 << 12) / 1000      // of the millisecond
	binary.BigEndian.PutUint16(id[6:], uint16(7<<12|fraction))        //nolint:gosec // G115: 12 bits, of what is never negative
	binary.BigEndian.PutUint16(id[8:], uint16(0b10<<14|order%orders)) //nolint:gosec // G115: 14 bits
	return id.String(), nil
}

// Before returns an ID that is not greater than that of any event at the moment or later.
func Before(at time.Time) string {
	var id uuid.UUID
	setTime(&id, at)
	return id.String()
}

func setTime(id *uuid.UUID, at time.Time) {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(at.UnixMilli(), 0)))
	copy(id[:6], ms[2:])
}

// IsID reports whether a text could be the ID of an event.
func IsID(text string) bool {
	id, err := uuid.Parse(text)
	return err == nil && id.String() == text
}
