package admin

import (
	"crypto/x509"
	"maps"
	"slices"
	"time"

	"authserver/internal/store"
	"authserver/internal/tokens"
	"authserver/internal/trust/assertions"
)

const (
	maxSkew = 10 * time.Minute
)

// setClaimRules sets the rules for the claims of an issuer's assertions, and the claims that are
// copied into the token.
func setClaimRules(f *form, i *store.Issuer, in IssuerInput) {
	setPatterns(f, &i.Patterns, in.Match)
	if i.SubjectKind == store.SubjectFederated && len(i.Patterns) == 0 {
		f.fault("subject", CodeRequired, "federated needs patterns of the subjects that it allows: give %v, for example for the repository acme/*", Field("match"))
	}
	if in.RequiredClaims != nil {
		for n, path := range in.RequiredClaims {
			f.checkPath(Field("required_claims").at(n), path)
		}
		i.RequiredClaims = distinct(in.RequiredClaims)
	}
	setMapping(f, &i.ClaimMapping, in.ClaimMapping)
	switch skew := in.ClockSkew; {
	case skew == nil:
	case *skew < 0 || *skew > maxSkew:
		f.fault("clock_skew_seconds", CodeInvalid, "it is %s and has to be from 0s, which means the server's, to %s", *skew, maxSkew)
	default:
		i.ClockSkew = *skew
	}
}

// setPatterns sets patterns, each of one claim or more.
func setPatterns(f *form, to *[]store.ClaimPattern, patterns []map[string]string) {
	const field Field = "match"
	if patterns == nil || !f.checkCount(field, len(patterns)) {
		return
	}
	*to = nil
	for n, pattern := range patterns {
		if len(pattern) == 0 {
			f.fault(field.at(n), CodeInvalid, "it names no claim")
		}
		for _, path := range slices.Sorted(maps.Keys(pattern)) {
			if f.checkPath(field.at(n), path) && pattern[path] == "" {
				f.fault(field.at(n), CodeInvalid, "the claim %s has no pattern", path)
			}
		}
		*to = append(*to, pattern)
	}
}

// setMapping sets the claims of an assertion that are copied into the token, with their names.
func setMapping(f *form, to *map[string]string, mapping map[string]string) {
	const field Field = "claim_mapping"
	if mapping == nil {
		return
	}
	*to = nil
	for _, name := range slices.Sorted(maps.Keys(mapping)) {
		switch {
		case name == "":
			f.fault(field, CodeInvalid, "a claim has no name")
		case tokens.Reserved(name):
			f.fault(field, CodeInvalid, "%q is the server's own to set: choose another name", name)
		}
		f.checkPath(field, mapping[name])
	}
	if len(mapping) > 0 {
		*to = mapping
	}
}

// setAuthorities sets the authorities of the issuer's certificates, and checks each certificate.
func (is *Issuers) setAuthorities(f *form, i *store.Issuer, in IssuerInput) {
	const field Field = "ca_certificates"
	if in.Authorities != nil {
		i.CACertificates = nil
		for n, der := range in.Authorities {
			if _, err := x509.ParseCertificate(der); err != nil {
				f.fault(field.at(n), CodeInvalid, "parse certificate %d: %v", n+1, err)
				return
			}
			i.CACertificates = append(i.CACertificates, der)
		}
	}
	if i.CACertificates != nil && i.Certificates == nil {
		f.fault(field, CodeConflict, "it goes with %v: it says whose certificates those have to be", Field("certificates"))
	}
	for n, der := range i.Certificates {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			f.fail("parse certificate %d: %w", n+1, err)
			return
		}
		at := is.Now()
		if at.Before(certificate.NotBefore) { // it is registered before it becomes valid
			at = certificate.NotBefore
		}
		if err := assertions.CheckCertificate(at, der, i.Certificates, i.CACertificates); err != nil {
			f.fault(Field("certificates").at(n), CodeInvalid, "certificate %d (%s): %v", n+1, certificate.Subject, err)
		}
	}
}
