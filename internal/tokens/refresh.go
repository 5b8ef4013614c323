package tokens

import (
	"encoding/binary"
	"time"

	"authserver/internal/store"
)

// RefreshPrefix begins every refresh token, so that a leaked one is recognised.
const RefreshPrefix = "art_"

// The content of a refresh token is family id, 16 | generation, 4.
const refreshContent = len(store.FamilyID{}) + 4

func refreshText() signedText {
	return signedText{prefix: RefreshPrefix, name: "a refresh token", label: "authserver refresh token\x00", content: refreshContent}
}

// Refresh is the content of a refresh token: its family and generation.
type Refresh struct {
	Family     store.FamilyID
	Generation uint32
}

// RefreshCodec turns family and generation into a refresh token and back. It keeps no state: the
// successor of a token is a function of the token and of the moment of the rotation, so that a
// retry gets the same answer from every replica.
type RefreshCodec struct{ Keys RefreshKeys }

// Encode makes the refresh token of a generation that began at a moment.
func (c *RefreshCodec) Encode(r Refresh, began time.Time) (string, error) {
	content := append(make([]byte, 0, refreshContent), r.Family[:]...)
	return refreshText().encode(c.Keys, began, binary.BigEndian.AppendUint32(content, r.Generation))
}

// Decode reads a refresh token that this server made. A forged or damaged token is an error, which
// needs no query. The error contains nothing of the token.
func (c *RefreshCodec) Decode(token string) (Refresh, error) {
	content, err := refreshText().decode(c.Keys, token)
	if err != nil {
		return Refresh{}, err
	}
	var r Refresh
	r.Generation = binary.BigEndian.Uint32(content[copy(r.Family[:], content):])
	return r, nil
}
