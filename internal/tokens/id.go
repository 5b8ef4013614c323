package tokens

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"authserver/internal/store"
)

// ID is the content of the claim "jti", all of it for revocation: the refresh token family of the
// access token, so that revoking a family needs no claim of its own, and the NotBefore of its
// client and its subject, as they were read when it was issued. So two reads of one row decide
// whether a token is older than a change, not the clocks of two machines.
type ID struct {
	Family store.FamilyID // zero: of no family
	// Client and Subject are in milliseconds since the epoch; 0: the row has none, as
	// a subject that only its issuer knows.
	Client, Subject int64
	// Bounded is set if the token came, directly or by exchanges, from an issuer that is limited to
	// some resources: a token that is exchanged for it has no other audience.
	Bounded bool
}

// An ID is encoded as base64url of [family, 16 bytes] | client, 6 | subject, 6 |
// random, 10. The highest bit of client, which no moment before the year 6429 has, is
// Bounded.
const (
	idMoment = 6
	idRandom = 10
	idShort  = 2*idMoment + idRandom
	idLong   = len(store.FamilyID{}) + idShort

	idBounded = 1 << (8*idMoment - 1)
)

// encode writes the ID with fresh random bytes.
func (id ID) encode(rand io.Reader) (string, error) {
	var buf [idLong]byte
	b := buf[:0]
	if !id.Family.IsZero() {
		b = append(b, id.Family[:]...)
	}
	client := id.Client
	if id.Bounded {
		client |= idBounded
	}
	b = appendMoment(b, client)
	b = appendMoment(b, id.Subject)
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
	id.Client, id.Subject = momentOf(b), momentOf(b[idMoment:])
	id.Bounded, id.Client = id.Client&idBounded != 0, id.Client&^idBounded
	return id, nil
}

// OfSubject reports whether the NotBefore of the subject in the token is still that of the user or
// client; zero: there is neither. A token of a subject that only its issuer knew does not belong to
// a client that was registered under that name later.
func (id ID) OfSubject(notBefore store.Moment) bool { return sameNotBefore(id.Subject, notBefore) }

// OfClient is OfSubject for the client that the token was issued to.
func (id ID) OfClient(notBefore store.Moment) bool { return sameNotBefore(id.Client, notBefore) }

func sameNotBefore(remembered int64, notBefore store.Moment) bool {
	if notBefore.IsZero() {
		return remembered == 0
	}
	return remembered >= milliseconds(notBefore)
}

// SubjectNotBefore is the NotBefore of the subject in the token, for tokens that are made from it.
func (id ID) SubjectNotBefore() store.Moment {
	if id.Subject == 0 {
		return store.Moment{}
	}
	return store.At(time.UnixMilli(id.Subject))
}

func appendMoment(b []byte, milliseconds int64) []byte {
	moment := binary.BigEndian.AppendUint64(nil, uint64(milliseconds)) //nolint:gosec // G115: it is not negative
	return append(b, moment[len(moment)-idMoment:]...)
}

func momentOf(b []byte) int64 {
	var moment [8]byte
	copy(moment[8-idMoment:], b[:idMoment])
	return int64(binary.BigEndian.Uint64(moment[:])) //nolint:gosec // G115: six bytes fit
}

// milliseconds since the epoch, as an [ID] has them.
func milliseconds(m store.Moment) int64 {
	if m.IsZero() {
		return 0
	}
	return max(m.UnixMilli(), 0)
}
