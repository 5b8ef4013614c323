package admin

import (
	"context"
	"errors"

	"authserver/internal/keys"
	"authserver/internal/store"
	"authserver/internal/trust/assertions"
)

// setIssuer sets the given fields and checks the result. It returns the other registrations with
// its iss.
func (is *Issuers) setIssuer(ctx context.Context, f *form, i *store.Issuer, in IssuerInput) []store.Issuer {
	is.setIssuerKeys(f, i, in)
	if in.SubjectClaim != nil && f.checkPath("subject_claim", *in.SubjectClaim) {
		i.SubjectClaim = *in.SubjectClaim
	}
	setOne(f, "subject", &i.SubjectKind, (*store.SubjectKind)(in.Subject), []store.SubjectKind{store.SubjectUser, store.SubjectClient, store.SubjectFederated, store.SubjectAny})
	setClaimRules(f, i, in)
	is.setAuthorities(f, i, in)
	siblings := is.checkSiblings(ctx, f, *i)
	setAudiences(f, &i.Audiences, in.Audiences)
	f.setScopes("scopes", &i.Scopes, in.Scopes)
	is.Targets.set(ctx, f, "resources", &i.Resources, in.Resources)
	is.setIssuerClient(ctx, f, &i.ClientID, in.ClientID)
	f.setTTL("max_lifetime_seconds", &i.MaxLifetime, in.MaxLifetime)
	// With an encryption algorithm, this server makes a key for it.
	setOptional(f, "encryption_alg", &i.EncryptionAlg, in.EncryptionAlg, keys.EncryptionAlgorithms())
	set(&i.ClientAuth, in.RequireClientAuth)
	set(&i.AllowRepeat, in.AllowRepeat)
	set(&i.Disabled, in.Disabled)
	return siblings
}

// checkPath demands the name of a claim or a JSON Pointer to one.
func (f *form) checkPath(field Field, path string) bool {
	err := assertions.CheckPath(path)
	if err != nil {
		f.fault(field, CodeInvalid, "%v", err)
	}
	return err == nil
}

// setAudiences sets names under which an issuer's assertions may address this server.
func setAudiences(f *form, to *[]string, values []string) {
	const field Field = "audiences"
	if values == nil || !f.checkCount(field, len(distinct(values))) {
		return
	}
	before := len(f.faults)
	for n, v := range values {
		f.checkText(field.at(n), v, maxIssuerID)
	}
	if len(f.faults) == before {
		*to = distinct(values)
	}
}

func (is *Issuers) setIssuerClient(ctx context.Context, f *form, to, id *string) {
	if id == nil || *id == "" {
		set(to, id)
		return
	}
	_, err := is.Clients.Client(ctx, *id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		f.fault("client_id", CodeNotFound, "client %q is not registered: register it first with %v", *id, Operation{Noun: "client", Verb: "create", ID: *id})
	case err != nil:
		f.fail("look up client %q: %w", *id, err)
	default:
		*to = *id
	}
}

func (is *Issuers) issuerWarnings(ctx context.Context, i store.Issuer, in IssuerInput) ([]Fault, error) {
	warnings, err := is.Targets.unlisted(ctx, i.Scopes, i.Resources)
	if err != nil {
		return nil, err
	}
	warnings = append(warnings, commas(i.Scopes)...)
	if !i.ClientAuth && i.ClientID == "" && len(i.Scopes) == 0 {
		warnings = append(warnings, newFault("scopes", CodeUnused, "without a client and without scopes, the tokens for its assertions have no scope"))
	}
	return append(warnings, leftOut(in.Keys.JWKS)...), nil
}
