package tokens

import (
	"time"

	"authserver/internal/store"
)

// CodePrefix begins every authorization code, so that a leaked one is recognised.
const CodePrefix = "aco_"

// The content of a code is the family id.
func codeText() signedText {
	return signedText{prefix: CodePrefix, name: "an authorization code", label: "authserver authorization code\x00", content: len(store.FamilyID{})}
}

// CodeCodec turns the id of a family into an authorization code (RFC 6749 §4.1.2) and back. The
// code is generation 0 of the family and has no row of its own: the server refuses one that it did
// not make without a query (RFC 6749 §10.10).
type CodeCodec struct{ Keys RefreshKeys }

// Encode makes the code of a family that began at a moment.
func (c *CodeCodec) Encode(family store.FamilyID, began time.Time) (string, error) {
	return codeText().encode(c.Keys, began, family[:])
}

// Decode reads a code that this server made. The error contains nothing of the code.
func (c *CodeCodec) Decode(code string) (store.FamilyID, error) {
	content, err := codeText().decode(c.Keys, code)
	if err != nil {
		return store.FamilyID{}, err
	}
	return store.FamilyID(content), nil
}
