package events

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
)

// NewID makes the ID of an event of a moment: a UUID of version 7 (RFC 9562 §5.7), which
// sorts by the moment, to the millisecond. Its only error is that of random.
func NewID(at time.Time, random io.Reader) (string, error) {
	var id uuid.UUID
	if _, err := io.ReadFull(random, id[6:]); err != nil {
		return "", fmt.Errorf("make the ID of an event: %w", err)
	}
	setTime(&id, at)
	id[6] = 0x70 | id[6]&0x0f // the version
	id[8] = 0x80 | id[8]&0x3f // the variant
	return id.String(), nil
}

// Before is not greater than the ID of any event of the moment or later.
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
