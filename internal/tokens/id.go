package tokens

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"authserver/internal/store"
)

// ID is what the claim "jti" says: the refresh token family that the access
// token descends from, and the millisecond in which it was issued.
//
// Both are there for revocation. The family, so that ending it needs no claim
// of its own; the millisecond, because "iat" counts whole seconds and a moment
// from which on tokens are good again must not void those issued later in the
// same second.
type ID struct {
	Family   store.FamilyID // zero: of no family
	IssuedAt time.Time
}

// An ID is encoded as base64url of [family, 16 bytes] | milliseconds since the
// epoch, 6 bytes | random, 10 bytes.
const (
	idMoment = 6
	idRandom = 10
	idShort  = idMoment + idRandom
	idLong   = len(store.FamilyID{}) + idShort
)

// encode writes the ID with fresh random bytes.
func (id ID) encode(rand io.Reader) (string, error) {
	var buf [idLong]byte
	b := buf[:0]
	if id.Family != (store.FamilyID{}) {
		b = append(b, id.Family[:]...)
	}
	var moment [8]byte
	binary.BigEndian.PutUint64(moment[:], uint64(id.IssuedAt.UnixMilli()))
	b = append(b, moment[8-idMoment:]...)
	n := len(b)
	b = b[:n+idRandom]
	if _, err := io.ReadFull(rand, b[n:]); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// ParseID reads a "jti" that this server made.
func ParseID(jti string) (ID, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(jti)
	if err != nil || len(b) != idShort && len(b) != idLong {
		return ID{}, fmt.Errorf("the jti was not made by this server")
	}
	var id ID
	if len(b) == idLong {
		copy(id.Family[:], b)
		b = b[len(id.Family):]
	}
	var moment [8]byte
	copy(moment[8-idMoment:], b[:idMoment])
	id.IssuedAt = time.UnixMilli(int64(binary.BigEndian.Uint64(moment[:]))).UTC() //nolint:gosec // G115: six bytes fit
	return id, nil
}
