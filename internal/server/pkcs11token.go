package server

import (
	"crypto"
	"errors"
	"fmt"
	"sync"

	"authserver/internal/config"
	"authserver/internal/keys/pkcs11"
)

// pkcs11Token is a PKCS #11 token that is opened at its first use: most commands need no key, and
// have to work without the token. It is opened at most once, because a token locks itself after a
// few wrong PINs.
type pkcs11Token struct {
	options pkcs11.Options
	once    sync.Once
	module  *pkcs11.Module
	fault   error
}

func newPKCS11Token(s config.PKCS11) *pkcs11Token {
	return &pkcs11Token{options: pkcs11.Options{Module: s.PKCS11Module, Token: s.PKCS11Token, PIN: s.PKCS11PIN.Reveal()}}
}

func (t *pkcs11Token) open() (*pkcs11.Module, error) {
	t.once.Do(func() {
		module, err := pkcs11.Open(t.options)
		if err != nil {
			t.fault = fmt.Errorf("--pkcs11-module: %w", err)
			return
		}
		t.module = module
	})
	return t.module, t.fault
}

// Generate makes a key pair that never leaves the token.
func (t *pkcs11Token) Generate(alg string) (crypto.Signer, string, error) {
	module, err := t.open()
	if err != nil {
		return nil, "", err
	}
	return module.Generate(alg)
}

// Signer finds a key pair by its URI.
func (t *pkcs11Token) Signer(uri string) (crypto.Signer, error) {
	module, err := t.open()
	if err != nil {
		return nil, err
	}
	return module.Signer(uri)
}

// Close closes the token, if it was opened.
func (t *pkcs11Token) Close() error {
	t.once.Do(func() { t.fault = errors.New("the PKCS #11 token is closed") })
	if t.module == nil {
		return nil
	}
	return t.module.Close()
}
