package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"authserver/internal/keys"
	"authserver/internal/store"
	"authserver/internal/trust/assertions"
)

// setIssuer takes over the fields given and checks what results.
func (a *Admin) setIssuer(ctx context.Context, i *store.Issuer, f IssuerFields) error {
	steps := []func() error{
		func() error { return a.setIssuerKeys(i, f) },
		func() error { return setSubject(i, f) },
		func() error { return setClaimRules(i, f) },
		func() error { return a.setAuthorities(i, f) },
		func() error { return a.checkSiblings(ctx, *i) },
		func() error { return setIf(f.Audiences, &i.Audiences, audiencesOf) },
		func() error { return setIf(f.Scopes, &i.Scopes, scopesOf("--scope")) },
		func() error { return setIf(f.Resources, &i.Resources, a.resourcesOf(ctx, "--resource")) },
		func() error { return a.setIssuerClient(ctx, &i.ClientID, f.ClientID) },
		func() error { return setTTL("--max-lifetime", &i.MaxLifetime, f.MaxLifetime) },
		func() error { return setEncryptionAlg(&i.EncryptionAlg, f.EncryptionAlg) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	for to, from := range map[*bool]*bool{&i.ClientAuth: f.RequireClientAuth, &i.AllowRepeat: f.AllowRepeat, &i.Disabled: f.Disabled} {
		if from != nil {
			*to = *from
		}
	}
	return nil
}

// audiencesOf takes names under which an issuer's assertions may address this server.
func audiencesOf(values []string) ([]string, error) {
	values = distinct(values)
	if len(values) > maxListed {
		return nil, invalid("--audience: more than %d values", maxListed)
	}
	for _, v := range values {
		if err := checkText("--audience", v, maxIssuerID); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func setSubject(i *store.Issuer, f IssuerFields) error {
	if f.SubjectClaim != nil {
		i.SubjectClaim = *f.SubjectClaim
		if err := assertions.CheckPath(i.SubjectClaim); err != nil {
			return invalid("--subject-claim: %w", err)
		}
	}
	if f.Subject != nil {
		i.SubjectKind = store.SubjectKind(*f.Subject)
		if !slices.Contains([]store.SubjectKind{store.SubjectUser, store.SubjectClient, store.SubjectAny, store.SubjectFederated}, i.SubjectKind) {
			return invalid("--subject %q is not known: choose from user, client, federated, any", *f.Subject)
		}
	}
	return nil
}

// setEncryptionAlg takes over how assertions are to be encrypted to this server,
// which makes a key for it.
func setEncryptionAlg(to, alg *string) error {
	if alg == nil {
		return nil
	}
	if *alg != "" && !slices.Contains(keys.EncryptionAlgorithms(), *alg) {
		return invalid("--encryption-alg %q is not known: choose from %s", *alg, strings.Join(keys.EncryptionAlgorithms(), ", "))
	}
	*to = *alg
	return nil
}

func (a *Admin) setIssuerClient(ctx context.Context, to, id *string) error {
	if id == nil {
		return nil
	}
	*to = *id
	if *id == "" {
		return nil
	}
	_, err := a.Store.Client(ctx, *id)
	if errors.Is(err, store.ErrNotFound) {
		return invalid("--client %q is not registered: register it first with: authserver client create --id %s", *id, *id)
	}
	if err != nil {
		return fmt.Errorf("look up client %q: %w", *id, err)
	}
	return nil
}

func (a *Admin) issuerWarnings(ctx context.Context, i store.Issuer) ([]Fault, error) {
	warnings, err := a.unlisted(ctx, i.Scopes, i.Resources)
	if err != nil {
		return nil, err
	}
	warnings = append(warnings, commas(i.Scopes)...)
	if !i.ClientAuth && i.ClientID == "" && len(i.Scopes) == 0 {
		warnings = append(warnings, warning("scopes", CodeUnused, "without a client and without scopes the tokens that its assertions buy have no scope"))
	}
	return warnings, nil
}
