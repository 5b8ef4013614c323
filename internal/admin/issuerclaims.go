package admin

import (
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"authserver/internal/store"
	"authserver/internal/tokens"
	"authserver/internal/trust/assertions"
)

const (
	maxPatterns = 100 // of one issuer
	maxSkew     = 10 * time.Minute
)

// setClaimRules takes over what the claims of an issuer's assertions have to be, and
// which of them are handed on.
func setClaimRules(i *store.Issuer, f IssuerFields) error {
	if f.Match != nil {
		i.Patterns = nil
		for _, text := range f.Match {
			pattern, err := parsePattern(text)
			if err != nil {
				return err
			}
			i.Patterns = append(i.Patterns, pattern)
		}
	}
	if len(i.Patterns) > maxPatterns {
		return invalid("more than %d of --match", maxPatterns)
	}
	if i.SubjectKind == store.SubjectFederated && len(i.Patterns) == 0 {
		return invalid("--subject federated wants to know whom it lets in: give --match, such as --match 'repository=acme/*'")
	}
	if f.RequireClaims != nil {
		i.RequiredClaims = distinct(f.RequireClaims)
		for _, path := range i.RequiredClaims {
			if err := assertions.CheckPath(path); err != nil {
				return invalid("--require-claim: %w", err)
			}
		}
	}
	if err := setMapping(i, f.MapClaims); err != nil {
		return err
	}
	if f.ClockSkew != nil {
		if *f.ClockSkew < 0 || *f.ClockSkew > maxSkew {
			return invalid("--issuer-clock-skew is %s: it has to be 0s, for the server's, to %s", *f.ClockSkew, maxSkew)
		}
		i.ClockSkew = *f.ClockSkew
	}
	return nil
}

// parsePattern reads "claim=pattern,claim=pattern".
func parsePattern(text string) (store.ClaimPattern, error) {
	pattern := store.ClaimPattern{}
	for part := range strings.SplitSeq(text, ",") {
		path, glob, ok := strings.Cut(part, "=")
		if err := assertions.CheckPath(path); err != nil || !ok || glob == "" {
			return nil, invalid("--match %q: it is CLAIM=PATTERN, and more after commas, such as repository=acme/*,ref=refs/heads/main", text)
		}
		if _, twice := pattern[path]; twice {
			return nil, invalid("--match %q: the claim %s stands in it twice", text, path)
		}
		pattern[path] = glob
	}
	return pattern, nil
}

func setMapping(i *store.Issuer, mapping []string) error {
	if mapping == nil {
		return nil
	}
	i.ClaimMapping = nil
	for _, text := range mapping {
		name, path, ok := strings.Cut(text, "=")
		if err := assertions.CheckPath(path); err != nil || !ok || name == "" {
			return invalid("--map-claim %q: it is NAME=CLAIM, the claim of the token and that of the assertion", text)
		}
		if tokens.Reserved(name) {
			return invalid("--map-claim %q: %s is the server's own to set", text, name)
		}
		if i.ClaimMapping == nil {
			i.ClaimMapping = make(map[string]string)
		}
		i.ClaimMapping[name] = path
	}
	return nil
}

// setAuthorities takes over whose certificates the issuer's have to be, and checks
// each of those by them.
func (a *Admin) setAuthorities(i *store.Issuer, f IssuerFields) error {
	if f.Authorities != nil {
		i.CACertificates = nil
		for _, file := range f.Authorities {
			ders, err := assertions.ParseCertificates(file)
			if err != nil {
				return invalid("--ca-file: %w", err)
			}
			i.CACertificates = append(i.CACertificates, ders...)
		}
	}
	if i.CACertificates != nil && i.Certificates == nil {
		return invalid("--ca-file goes with --certificate-file: it says whose certificates those have to be")
	}
	for n, der := range i.Certificates {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("parse certificate %d: %w", n+1, err)
		}
		at := a.Now()
		if at.Before(certificate.NotBefore) { // it is registered ahead of its time
			at = certificate.NotBefore
		}
		if err := assertions.CheckCertificate(at, der, i.Certificates, i.CACertificates); err != nil {
			return invalid("--certificate-file: certificate %d (%s): %w", n+1, certificate.Subject, err)
		}
	}
	return nil
}
