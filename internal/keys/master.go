package keys

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"gocloud.dev/secrets"
	"gocloud.dev/secrets/localsecrets"
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

// ParseMasterKey reads what NewMasterKey returns; white space around it does not
// matter. The error holds nothing of the key.
func ParseMasterKey(text string) (Master, error) {
	const help = "`authserver key generate-master` prints a new one"
	b, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err != nil {
		return Master{}, fmt.Errorf("the master key is not base64; %s", help)
	}
	var m Master
	if len(b) != len(m.key) {
		return Master{}, fmt.Errorf("the master key is %d bytes long and has to be %d; %s", len(b), len(m.key), help)
	}
	copy(m.key[:], b)
	if m.key == ([masterSize]byte{}) {
		return Master{}, fmt.Errorf("the master key is all zeros; %s", help)
	}
	return m, nil
}

// ID names the master key without telling it: 16 hex digits of a hash that is
// used for nothing else.
func (m Master) ID() string {
	sum := sha256.Sum256(append([]byte("authserver master key id\x00"), m.key[:]...))
	return hex.EncodeToString(sum[:8])
}

// Keeper returns what seals under the master key.
func (m Master) Keeper() *secrets.Keeper { return localsecrets.NewKeeper(m.key) }

// Format keeps the key out of every kind of print.
func (m Master) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "master key "+m.ID()) // a printer has nobody to tell
}
