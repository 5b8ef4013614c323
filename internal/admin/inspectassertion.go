package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"authserver/internal/assertions"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// inspectAssertion checks a JWT of somebody else's against the registration of who is
// said to have made it, an issuer or a client.
func (a *Admin) inspectAssertion(ctx context.Context, token string, i Inspection, explain bool) (Inspection, error) {
	iss, _ := i.Claims["iss"].(string)
	if iss == a.Self {
		i.Kind = KindUnknown
		return bad(i, "its typ is %v and not %q, so that it is no access token of this server", i.Header["typ"], tokens.AccessType), nil
	}
	parsed, err := assertions.Parse(token, slices.Concat(assertions.GrantTypes(), []string{assertions.ClientType}))
	if err != nil {
		return bad(i, "%v", err), nil
	}
	registration, refusal, err := a.registrationOf(ctx, parsed, iss)
	if err != nil {
		return Inspection{}, err
	}
	if refusal != "" {
		if registration.ID == "" {
			i.Kind = KindUnknown
		}
		return bad(i, "%s", refusal), nil
	}
	verifier := &assertions.Verifier{Skew: a.Limits.ClockSkew, Opener: a.Sealer, Remote: a.Remote}
	now := a.Now()
	if explain {
		if i.Checks, err = verifier.Explain(ctx, now, parsed, registration); err != nil {
			return Inspection{}, fmt.Errorf("check the assertion: %w", err)
		}
	}
	assertion, err := verifier.Verify(ctx, now, parsed, registration)
	if fault := (*assertions.Fault)(nil); errors.As(err, &fault) {
		return Inspection{}, fmt.Errorf("check the assertion: %w", err)
	}
	if err != nil {
		return bad(i, "%v", err), nil
	}
	return good(i, "signed by a key of its issuer, for this server, and good until %s, once: whether it was used already is not looked at",
		assertion.ExpiresAt.Add(-a.Limits.ClockSkew).Format(time.RFC3339)), nil
}

// registrationOf finds what an assertion is to be checked by; refusal says in words why
// it is not checked at all.
func (a *Admin) registrationOf(ctx context.Context, parsed assertions.Parsed, iss string) (r assertions.Registration, refusal string, err error) {
	issuer, err := a.Store.Issuer(ctx, iss)
	switch {
	case err == nil && issuer.Disabled:
		return assertions.Registration{ID: iss}, "its issuer is disabled: `authserver issuer update --enabled` enables it", nil
	case err == nil:
		return assertions.OfIssuer(issuer, a.Audiences), "", nil
	case !errors.Is(err, store.ErrNotFound):
		return r, "", fmt.Errorf("look up its issuer: %w", err)
	}
	client, err := a.Store.Client(ctx, iss)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return r, fmt.Sprintf("its issuer %q is neither this server, %s, nor one that is registered: see `authserver issuer list` and `authserver client list`", iss, a.Self), nil
	case err != nil:
		return r, "", fmt.Errorf("look up its client: %w", err)
	case client.Disabled:
		return assertions.Registration{ID: iss}, "its client is disabled: `authserver client update --enabled` enables it", nil
	}
	audiences := a.Audiences
	// One that proves the client has to name the issuer identifier alone (CVE-2025-27370).
	if (parsed.Header.Is(assertions.ClientType) || !client.May(oauth.JWTBearer)) && !client.EndpointAudience {
		audiences = a.Audiences[:1]
	}
	return assertions.OfClient(client, parsed.Header.Alg, a.Now(), a.Limits.AssertionLifetime, audiences), "", nil
}
