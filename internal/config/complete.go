package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"strings"
)

// Complete returns the settings with what the mode implies filled in and the
// secrets read from their files, so that DatabaseURL and MasterKey are what
// counts. The error joins all faults, each of which names the setting and the
// cure, and none of which tells a secret.
//
// In dev, and where a command works on what dev made, a master key file that does
// not exist is no fault: MasterKey is empty then, and MasterKeyFile is where one
// belongs.
func (s Settings) Complete(mode Mode, readFile func(name string) ([]byte, error)) (Settings, error) {
	s = s.filledIn(mode)
	faults := s.readSecrets(mode, readFile)
	faults = append(faults, s.validate(mode)...)
	return s, errors.Join(faults...)
}

// filledIn fills in the defaults that depend on the mode.
func (s Settings) filledIn(mode Mode) Settings {
	elsewhere := !s.DatabaseURL.Empty() || s.DatabaseURLFile != ""
	if mode == Serve || mode == Command && elsewhere {
		return s
	}
	if !elsewhere {
		s.DatabaseURL = NewSecret(devDatabaseURL)
	}
	if s.MasterKey.Empty() && s.MasterKeyFile == "" && s.MasterKeyURL == "" {
		s.MasterKeyFile = devMasterKeyFile
	}
	if s.Issuer == "" {
		s.Issuer = DevIssuer(s.Listen)
	}
	return s
}

// DevIssuer returns the issuer of a server that listens on an address and was not
// given one: http://127.0.0.1:8080 for 127.0.0.1:8080, and http://localhost:8080
// for :8080. It is "" for an address that is malformed or leaves the port open.
func DevIssuer(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || port == "0" {
		return ""
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

func (s *Settings) readSecrets(mode Mode, readFile func(string) ([]byte, error)) (faults []error) {
	switch {
	case s.DatabaseURLFile == "":
	case !s.DatabaseURL.Empty():
		faults = append(faults, errors.New("database-url and database-url-file are both set: remove one"))
	default:
		url, err := readSecret("database-url-file", s.DatabaseURLFile, readFile)
		if err != nil {
			faults = append(faults, err)
		}
		s.DatabaseURL = url
	}
	if s.PKCS11PINFile != "" {
		pin, err := readSecret("pkcs11-pin-file", s.PKCS11PINFile, readFile)
		if err != nil {
			faults = append(faults, err)
		}
		s.PKCS11PIN = pin
	}
	switch {
	case s.MasterKeyURL != "" && (s.MasterKeyFile != "" || !s.MasterKey.Empty()):
		faults = append(faults, errors.New("master-key-url is set beside AUTHSERVER_MASTER_KEY or master-key-file: keep one, since there is one master key"))
	case s.MasterKeyFile == "":
	case !s.MasterKey.Empty():
		faults = append(faults, errors.New("AUTHSERVER_MASTER_KEY and master-key-file are both set: remove one"))
	default:
		key, err := readSecret("master-key-file", s.MasterKeyFile, readFile)
		toBeMade := errors.Is(err, fs.ErrNotExist) && (mode == Dev || mode == Command && s.MasterKeyFile == devMasterKeyFile)
		if err != nil && !toBeMade {
			faults = append(faults, err)
		}
		s.MasterKey = key
	}
	return faults
}

// readSecret reads a secret, without the space around it.
func readSecret(setting, name string, readFile func(string) ([]byte, error)) (Secret, error) {
	content, err := readFile(name)
	_, notAKey := ParseMasterKey(name)
	switch {
	case err == nil:
	case notAKey == nil, strings.Contains(name, ":/"): // the error would repeat it
		return Secret{}, fmt.Errorf("%s is the secret itself and has to be the name of a file: put the secret into a file and name that", setting)
	default:
		return Secret{}, fmt.Errorf("%s cannot be read: %w", setting, err)
	}
	text := strings.TrimSpace(string(content))
	if text == "" {
		return Secret{}, fmt.Errorf("%s names %s, which is empty: put the secret into it", setting, name)
	}
	return NewSecret(text), nil
}
