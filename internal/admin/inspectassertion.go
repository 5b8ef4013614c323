package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
	"authserver/internal/trust/assertions"
)

// inspectAssertion checks a JWT of somebody else's against the registration of who is
// said to have made it, an issuer or a client, and against what is known here. It uses
// nothing up. encryption is the algorithm by which it was encrypted to this server; "":
// it was not.
func (a *Admin) inspectAssertion(ctx context.Context, token, encryption string, i Inspection, explain bool) (Inspection, error) {
	iss, _ := i.Claims["iss"].(string)
	if iss == a.Self {
		i.Kind = KindUnknown
		return bad(i, "its typ is %v and neither %q nor %q, so that it is no access token of this server", i.Header["typ"], tokens.AccessType, tokens.PlainType), nil
	}
	parsed, err := assertions.Parse(token, slices.Concat(assertions.GrantTypes(), []string{assertions.ClientType}))
	if err != nil {
		return bad(i, "%v", err), nil
	}
	verifier := &assertions.Verifier{Skew: a.Limits.ClockSkew, Opener: a.Sealer, Remote: a.Remote}
	by, refusal, err := a.signerOf(ctx, verifier, parsed, iss)
	if err != nil {
		return Inspection{}, err
	}
	if refusal != "" {
		if by.Iss == "" {
			i.Kind = KindUnknown
		}
		return bad(i, "%s", refusal), nil
	}
	here, err := a.explainHere(ctx, parsed, encryption, by)
	if err != nil {
		return Inspection{}, err
	}
	now := a.Now()
	if explain {
		if i.Checks, err = verifier.Explain(ctx, now, parsed, by.Registration); err != nil {
			return Inspection{}, fmt.Errorf("check the assertion: %w", err)
		}
		i.Checks = append(i.Checks, here...)
	}
	assertion, err := verifier.Verify(ctx, now, parsed, by.Registration)
	if fault := (*assertions.Fault)(nil); errors.As(err, &fault) {
		return Inspection{}, fmt.Errorf("check the assertion: %w", err)
	}
	if err != nil {
		return bad(i, "%v", err), nil
	}
	for _, f := range here {
		if !f.Passed {
			return bad(i, "%s", f.Found), nil
		}
	}
	issuer := "its issuer"
	if by.issuer.ID != by.issuer.Iss {
		issuer = fmt.Sprintf("the registration %q of its issuer", by.issuer.ID)
	}
	return good(i, "signed by a key of %s, for this server and about somebody of whom it may speak, and not used before: good until %s. Scope and resource are looked at where a token is asked for",
		issuer, assertion.ExpiresAt.Add(-a.Limits.ClockSkew).Format(time.RFC3339)), nil
}

// signer is who is said to have made an assertion.
type signer struct {
	assertions.Registration
	issuer  store.Issuer  // zero: a client signed
	client  *store.Client // nil: an issuer signed
	repeats bool          // its assertions may be used again
	proves  bool          // the client proves itself with it, and speaks of nobody else (RFC 7523 §2.2)
}

// signerOf finds what an assertion is to be checked by; refusal says in words why
// it is not checked at all.
func (a *Admin) signerOf(ctx context.Context, verifier *assertions.Verifier, parsed assertions.Parsed, iss string) (by signer, refusal string, err error) {
	issuers, err := a.Store.IssuersOf(ctx, iss)
	by.Iss = iss
	switch {
	case err == nil:
		return a.issuerOf(ctx, verifier, parsed, issuers)
	case !errors.Is(err, store.ErrNotFound):
		return by, "", fmt.Errorf("look up its issuer: %w", err)
	}
	client, err := a.Store.Client(ctx, iss)
	switch {
	case errors.Is(err, store.ErrNotFound):
		slash, err := a.slashedOtherwise(ctx, iss)
		return signer{}, fmt.Sprintf("its issuer %q is neither this server, %s, nor one that is registered%s: see `authserver issuer list` and `authserver client list`", iss, a.Self, slash), err
	case err != nil:
		return by, "", fmt.Errorf("look up its client: %w", err)
	case client.Disabled:
		return by, "its client is disabled: `authserver client update --enabled` enables it", nil
	}
	by.client, by.repeats = &client, client.AllowRepeat
	by.proves = parsed.Header.Is(assertions.ClientType) || !client.May(oauth.JWTBearer)
	audiences := a.Audiences
	if by.proves && !client.EndpointAudience { // it has to name the issuer identifier alone (CVE-2025-27370)
		audiences = a.Audiences[:1]
	}
	registration, ok := assertions.OfClient(client, parsed.Header.Alg, a.Now(), a.Limits.clientRules(), audiences)
	if !ok {
		method := assertions.Method(parsed.Header.Alg)
		return by, fmt.Sprintf("its client is not registered for %s, which a JWT with alg %s is: make one for a method that `authserver client show` lists, or register it with `authserver client update --auth-method %s`",
			method, parsed.Header.Alg, method), nil
	}
	by.Registration = registration
	return by, "", nil
}

// issuerOf is signerOf for the registrations of an iss: of several the key tells which.
func (a *Admin) issuerOf(ctx context.Context, verifier *assertions.Verifier, parsed assertions.Parsed, issuers []store.Issuer) (by signer, refusal string, err error) {
	var enabled []signer
	var registrations []assertions.Registration
	var ids []string
	for _, i := range issuers {
		if i.Disabled {
			continue
		}
		r := assertions.OfIssuer(i, a.Audiences)
		enabled = append(enabled, signer{Registration: r, issuer: i, repeats: i.AllowRepeat})
		registrations, ids = append(registrations, r), append(ids, i.ID)
	}
	by.Iss = parsed.Issuer()
	switch len(enabled) {
	case 0:
		return by, "its issuer is disabled: `authserver issuer update --enabled` enables it", nil
	case 1:
		return enabled[0], "", nil
	}
	chosen, err := verifier.Choose(ctx, a.Now(), parsed, registrations)
	if fault := (*assertions.Fault)(nil); errors.As(err, &fault) {
		return by, "", fmt.Errorf("check the assertion: %w", err)
	}
	if err != nil {
		return by, fmt.Sprintf("%v; registered with its iss are %s", err, strings.Join(ids, ", ")), nil
	}
	return enabled[chosen], "", nil
}

// slashedOtherwise says whether an issuer is registered that differs by a slash at its
// end, which is what goes wrong most with identifiers that are compared byte by byte.
func (a *Admin) slashedOtherwise(ctx context.Context, iss string) (string, error) {
	other, slashed := strings.CutSuffix(iss, "/")
	if !slashed {
		other += "/"
	}
	_, err := a.Store.IssuersOf(ctx, other)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("look up its issuer: %w", err)
	}
	return fmt.Sprintf(", but %q is: set iss to that, or register it as it is sent", other), nil
}
