package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// ParseMasterKey reads a master key: 32 bytes in base64, of the standard or the
// URL alphabet, padded or not, with space around it. The errors never repeat it.
func ParseMasterKey(text string) (key [32]byte, err error) {
	text = strings.TrimRight(strings.TrimSpace(text), "=")
	text = strings.NewReplacer("-", "+", "_", "/").Replace(text)
	raw, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil {
		return key, errors.New("it is not base64: make one with authserver key generate-master")
	}
	if len(raw) != len(key) {
		return key, fmt.Errorf("it has %d bytes and must have %d: make one with authserver key generate-master", len(raw), len(key))
	}
	return [32]byte(raw), nil
}

// ParsedMasterKey returns the master key, after [Settings.Complete]. Its error
// says what to set where there is none.
func (s Settings) ParsedMasterKey() ([32]byte, error) {
	if s.MasterKey.Empty() {
		return [32]byte{}, errors.New("the master key is missing: set --master-key-file or AUTHSERVER_MASTER_KEY, 32 bytes in base64 as authserver key generate-master prints them, or --master-key-url")
	}
	key, err := ParseMasterKey(s.MasterKey.Reveal())
	if err != nil {
		return key, fmt.Errorf("the master key is malformed: %w", err)
	}
	return key, nil
}
