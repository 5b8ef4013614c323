package sealing

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

const masterSize = 32 // bytes

// Master is the key under which the data keys are sealed. It is never stored.
type Master struct{ key [masterSize]byte }

// NewMasterKey returns a new master key, as base64 (RFC 4648 §4) of 32 bytes.
func NewMasterKey(rand io.Reader) (string, error) {
	var key [masterSize]byte
	if _, err := io.ReadFull(rand, key[:]); err != nil {
		return "", fmt.Errorf("make a master key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(key[:]), nil
}

// MasterFrom makes a master key of its 32 bytes. It refuses all zeros, because they are usually the
// result of a mistake.
func MasterFrom(key [masterSize]byte) (Master, error) {
	if key == ([masterSize]byte{}) {
		return Master{}, errors.New("the master key is all zeros: key generate-master makes a new one")
	}
	return Master{key}, nil
}

// ID names the master key without revealing it: 16 hex digits of a hash that has no other use.
func (m Master) ID() string {
	sum := sha256.Sum256(append([]byte("authserver master key id\x00"), m.key[:]...))
	return hex.EncodeToString(sum[:8])
}

// Format keeps the key out of everything that prints it.
func (m Master) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "master key "+m.ID()) // Format cannot return an error
}
