package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Sealing is the master key, which opens all sealed values in the database.
type Sealing struct {
	// MasterKey has no flag, because every user of the machine could read it, and no key in the
	// file, because that is too often committed.
	MasterKey     Secret `kong:"-" name:"master-key" setting:"env" group:"Keys" help:"Key that seals all other keys: 32 bytes in base64. authserver key generate-master prints one."`
	MasterKeyFile string `name:"master-key-file" setting:"flag env file" group:"Keys" placeholder:"FILE" help:"File that contains the master key, instead of AUTHSERVER_MASTER_KEY. dev makes it: .authserver/master.key."`
	MasterKeyURL  string `name:"master-key-url" setting:"flag env file" group:"Keys" placeholder:"URL" help:"Key of a key management service that is the master key, instead of master-key-file: hashivault://NAME, awskms://…, gcpkms://… or azurekeyvault://…."`
}

// devMasterKeyFile is where dev keeps the master key of its database.
const devMasterKeyFile = ".authserver/master.key"

// AfterApply is called by kong for each command that embeds the group.
func (s *Sealing) AfterApply(g given) error {
	text, _ := g.lookup("master-key")
	s.MasterKey = NewSecret(text)
	return nil
}

func (s *Sealing) complete(c *completion) []error {
	if c.onDev && s.MasterKey.Empty() && s.MasterKeyFile == "" && s.MasterKeyURL == "" {
		s.MasterKeyFile = devMasterKeyFile
	}
	var faults []error
	switch {
	case s.MasterKeyURL != "" && (s.MasterKeyFile != "" || !s.MasterKey.Empty()):
		faults = present(errors.New("master-key-url is set beside AUTHSERVER_MASTER_KEY or master-key-file: keep one, since there is one master key"))
	case s.MasterKeyFile == "":
	case !s.MasterKey.Empty():
		faults = present(errors.New("AUTHSERVER_MASTER_KEY and master-key-file are both set: remove one"))
	default:
		key, err := readSecret("master-key-file", s.MasterKeyFile, c.readFile)
		toBeMade := errors.Is(err, fs.ErrNotExist) && (c.mode == Dev || c.mode == Command && s.MasterKeyFile == devMasterKeyFile)
		if err != nil && !toBeMade {
			faults = present(err)
		}
		s.MasterKey = key
	}
	return append(faults, present(s.check(c.mode))...)
}

func (s *Sealing) check(mode Mode) error {
	if s.MasterKeyURL != "" {
		return nil // the service is called when the key is opened
	}
	if s.MasterKey.Empty() && (mode != Serve || s.MasterKeyFile != "") {
		return nil // a file that could not be read is a fault already
	}
	_, err := s.ParsedMasterKey()
	return err
}

// ParsedMasterKey returns the master key, after [Complete]. If there is none, the error says what
// to set.
func (s *Sealing) ParsedMasterKey() ([32]byte, error) {
	if s.MasterKey.Empty() {
		return [32]byte{}, errors.New("the master key is missing: set --master-key-file or AUTHSERVER_MASTER_KEY, 32 bytes in base64 as authserver key generate-master prints them, or --master-key-url")
	}
	key, err := ParseMasterKey(s.MasterKey.Reveal())
	if err != nil {
		return key, fmt.Errorf("the master key is malformed: %w", err)
	}
	return key, nil
}

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
