package tokens

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"authserver/internal/jose"
	"authserver/internal/store"
)

// handleMember is the header parameter with the handle of an encrypted access token. It is private
// (RFC 7516 §4.3), which a reader that does not know it ignores (§4).
const handleMember = "revocation_handle"

// Handle identifies an access token that this server encrypted to a resource and cannot read. It is
// enough to revoke the token, without a row for it.
type Handle struct {
	ID        string // the claim "jti"
	Parsed    ID     // its content
	ExpiresAt time.Time
	client    [sha256.Size]byte // of the claim "client_id"
}

// IssuedTo reports whether the token was issued to the client, whatever happened to its
// registration since.
func (h Handle) IssuedTo(client store.Client) bool {
	hash := sha256.Sum256([]byte(client.ID))
	return subtle.ConstantTimeCompare(h.client[:], hash[:]) == 1 && h.Parsed.Client != 0
}

// Handles seal a handle into the header of each encrypted access token. Only this
// server's replicas can read it, and all handles have the same length.
type Handles struct{ Keys RefreshKeys }

// A handle is an [Envelope] of exp, 8 | family, 16, zero: none | the rest of the jti, 22 | client, 32.
const handlePlain = 8 + idLong + sha256.Size

func (h *Handles) envelope(rand io.Reader) *Envelope {
	return &Envelope{
		Purpose: "authserver revocation handle", Keys: h.Keys, Rand: rand,
		MaxBytes: base64.RawURLEncoding.EncodedLen(envelopeBody + handlePlain + envelopeTag),
	}
}

// seal makes the handle of a token that is issued at now.
func (h *Handles) seal(rand io.Reader, now time.Time, jti, clientID string, expires time.Time) (string, error) {
	id, err := base64.RawURLEncoding.DecodeString(jti)
	if err != nil || len(id) > idLong {
		return "", errors.New("make a revocation handle: the jti is of another make")
	}
	client := sha256.Sum256([]byte(clientID))
	plain := make([]byte, 8, handlePlain)
	binary.BigEndian.PutUint64(plain, uint64(expires.Unix())) //nolint:gosec // G115: it is after 1970
	plain = append(plain, make([]byte, idLong-len(id))...)
	plain = append(append(plain, id...), client[:]...)
	return h.envelope(rand).Seal(now, plain)
}

// Find reads the handle of an encrypted access token that this server made. It reads nothing else
// of the token: a caller with the handle had the token.
func (h *Handles) Find(token string) (Handle, error) {
	header, err := jose.ParseEncrypted(token, MaxAccessBytes)
	if err != nil {
		return Handle{}, err
	}
	text, _ := header.All[handleMember].(string)
	plain, err := h.envelope(nil).Open(text)
	if err != nil {
		return Handle{}, fmt.Errorf("its header has no valid %s: %w", handleMember, err)
	}
	return parseHandle(plain)
}

func parseHandle(plain []byte) (Handle, error) {
	var h Handle
	if len(plain) != handlePlain {
		return h, fmt.Errorf("its %s has %d bytes inside, not %d", handleMember, len(plain), handlePlain)
	}
	h.ExpiresAt = time.Unix(int64(binary.BigEndian.Uint64(plain)), 0) //nolint:gosec // G115: we wrote it
	id := plain[8 : 8+idLong]
	if store.FamilyID(id[:idLong-idShort]) == (store.FamilyID{}) {
		id = id[idLong-idShort:]
	}
	h.ID = base64.RawURLEncoding.EncodeToString(id)
	copy(h.client[:], plain[8+idLong:])
	var err error
	h.Parsed, err = ParseID(h.ID)
	return h, err
}
