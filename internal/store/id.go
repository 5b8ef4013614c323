package store

import "encoding/hex"

// FamilyID names a refresh token family: 16 random bytes. Its text is lower-case hex.
type FamilyID [16]byte

// IsZero reports whether it names no family.
func (id FamilyID) IsZero() bool { return id == FamilyID{} }

func (id FamilyID) String() string { return hex.EncodeToString(id[:]) }

// ParseFamilyID reads the text of a FamilyID.
func ParseFamilyID(text string) (id FamilyID, ok bool) { return parseID[FamilyID](text) }

// SessionID names a browser session: 16 random bytes. Its text, which the claim "sid" of an ID
// token has, is lower-case hex.
type SessionID [16]byte

// IsZero reports whether it names no session.
func (id SessionID) IsZero() bool { return id == SessionID{} }

func (id SessionID) String() string { return hex.EncodeToString(id[:]) }

// ParseSessionID reads the text of a SessionID.
func ParseSessionID(text string) (id SessionID, ok bool) { return parseID[SessionID](text) }

func parseID[ID ~[16]byte](text string) (id ID, ok bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(id) {
		return id, false
	}
	return ID(b), true
}
