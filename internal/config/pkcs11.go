package config

import (
	"errors"
	"slices"
)

// PKCS11 is the token that makes and keeps the signing keys.
type PKCS11 struct {
	PKCS11Module  string `name:"pkcs11-module" setting:"flag env file" group:"Keys" placeholder:"FILE" help:"Library of a PKCS #11 token that makes and keeps new signing keys. Commands that make keys need it too. Needs a build with the tag pkcs11."`
	PKCS11Token   string `name:"pkcs11-token" setting:"flag env file" group:"Keys" placeholder:"LABEL" help:"Label of the token."`
	PKCS11PINFile string `name:"pkcs11-pin-file" setting:"flag env file" group:"Keys" placeholder:"FILE" help:"File that contains the PIN of the token."`

	// PKCS11PIN is the content of the file, after [Complete].
	PKCS11PIN Secret `kong:"-"`
}

func (p *PKCS11) complete(c *completion) []error {
	var faults []error
	if p.PKCS11PINFile != "" {
		pin, err := readSecret("pkcs11-pin-file", p.PKCS11PINFile, c.readFile)
		faults = present(err)
		p.PKCS11PIN = pin
	}
	set := []string{p.PKCS11Module, p.PKCS11Token, p.PKCS11PINFile}
	if slices.Contains(set, "") && slices.ContainsFunc(set, func(v string) bool { return v != "" }) {
		faults = append(faults, errors.New("of pkcs11-module, pkcs11-token and pkcs11-pin-file one is missing: a token needs all three"))
	}
	return faults
}
