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

// inspectAssertion checks a foreign JWT against the registration of the issuer or client that it
// names, and against the database. It records no use. encryption is the algorithm by which it was
// encrypted to this server; "": it was not.
func (ins *Inspector) inspectAssertion(ctx context.Context, token, encryption string, i Inspection, explain bool) (Inspection, error) {
	iss, _ := i.Claims["iss"].(string)
	if iss == ins.Self {
		i.Kind = KindUnknown
		return bad(i, FoundMalformed, "its typ is %v and neither %q nor %q, so that it is no access token of this server", i.Header["typ"], tokens.AccessType, tokens.PlainType), nil
	}
	parsed, err := assertions.Parse(token, slices.Concat(assertions.GrantTypes(), []string{assertions.ClientType}))
	if err != nil {
		return bad(i, FoundRefused, "%v", err), nil
	}
	verifier := &assertions.Verifier{Skew: ins.Limits.ClockSkew, Opener: ins.Sealer, Remote: ins.Remote}
	by, refusal, err := ins.signerOf(ctx, verifier, parsed, iss)
	if err != nil {
		return Inspection{}, err
	}
	if refusal != nil {
		if by.Iss == "" {
			i.Kind = KindUnknown
		}
		i.Reasons = append(i.Reasons, *refusal)
		return i, nil
	}
	here, err := ins.explainHere(ctx, parsed, encryption, by)
	if err != nil {
		return Inspection{}, err
	}
	now := ins.Now()
	if explain {
		checks, err := verifier.Explain(ctx, now, parsed, by.Registration)
		if err != nil {
			return Inspection{}, fmt.Errorf("check the assertion: %w", err)
		}
		i.Checks = slices.Concat(explained(by, checks), here)
	}
	assertion, err := verifier.Verify(ctx, now, parsed, by.Registration)
	if fault := (*assertions.Fault)(nil); errors.As(err, &fault) {
		return Inspection{}, fmt.Errorf("check the assertion: %w", err)
	}
	if err != nil {
		return bad(i, FoundRefused, "%v", err), nil
	}
	for _, f := range here {
		if !f.OK {
			return bad(i, f.Code, "%v", f.Text), nil
		}
	}
	issuer := "its issuer"
	if by.issuer.ID != by.issuer.Iss {
		issuer = fmt.Sprintf("the registration %q of its issuer", by.issuer.ID)
	}
	return good(i, "signed by a key of %s, for this server, about a subject of which it may speak, and not used before: good until %s. Scope and resource are looked at where a token is asked for",
		issuer, assertion.ExpiresAt.Add(-ins.Limits.ClockSkew).Format(time.RFC3339)), nil
}

func refused(code FindingCode, format string, args ...any) *Finding {
	return &Finding{Code: code, Text: Text{format, args}}
}

// explained adds to the results of the checks how to change the registration.
func explained(by signer, checks []assertions.Finding) []Finding {
	fields := map[string]Field{"alg": "algorithms", "subject": "subject_claim", "claims": "required_claims", "patterns": "match"}
	if by.client != nil {
		fields = map[string]Field{"alg": "assertion_algs"}
	}
	findings := make([]Finding, 0, len(checks))
	for _, c := range checks {
		f := Finding{Code: FindingCode(c.Check), OK: c.Passed}
		if !c.Passed {
			f.Text, f.Change = Text{"%s", []any{c.Found}}, Text{"%s", []any{c.Change}}
			if field := fields[c.Check]; field != "" {
				f.Change = Text{"%s: see %v", []any{c.Change, by.update(field)}}
			}
		}
		findings = append(findings, f)
	}
	return findings
}

// update is the operation that changes a field of the signer's registration.
func (by signer) update(field Field) Operation {
	if by.client != nil {
		return Operation{Noun: "client", Verb: "update", ID: by.client.ID, Field: field}
	}
	return Operation{Noun: "issuer", Verb: "update", ID: by.issuer.ID, Field: field}
}

// signer is the party that an assertion names as its signer.
type signer struct {
	assertions.Registration
	issuer  store.Issuer  // zero: a client signed
	client  *store.Client // nil: an issuer signed
	repeats bool          // its assertions may be used again
	proves  bool          // the client authenticates with it, so its subject is the client (RFC 7523 §2.2)
}

// signerOf finds the registration for an assertion; refusal says why there is none.
func (ins *Inspector) signerOf(ctx context.Context, verifier *assertions.Verifier, parsed assertions.Parsed, iss string) (by signer, refusal *Finding, err error) {
	issuers, err := ins.Issuers.IssuersOf(ctx, iss)
	by.Iss = iss
	switch {
	case err == nil:
		return ins.issuerOf(ctx, verifier, parsed, issuers)
	case !errors.Is(err, store.ErrNotFound):
		return by, nil, fmt.Errorf("look up its issuer: %w", err)
	}
	client, err := ins.Clients.Client(ctx, iss)
	switch {
	case errors.Is(err, store.ErrNotFound):
		slash, err := ins.slashedOtherwise(ctx, iss)
		return signer{}, refused(FoundUnregistered, "its issuer %q is neither this server, %s, nor one that is registered%s: see %v and %v", iss, ins.Self, slash,
			Operation{Noun: "issuer", Verb: "list"}, Operation{Noun: "client", Verb: "list"}), err
	case err != nil:
		return by, nil, fmt.Errorf("look up its client: %w", err)
	case client.Disabled:
		return by, refused(FoundDisabled, "its client is disabled: %v enables it", Operation{Noun: "client", Verb: "update", ID: client.ID}.with("disabled", "false")), nil
	}
	by.client, by.repeats = &client, client.AllowRepeat
	by.proves = parsed.Header.Is(assertions.ClientType) || !client.May(oauth.JWTBearer)
	audiences := ins.Audiences
	if by.proves && !client.EndpointAudience { // it has to name the issuer identifier alone (CVE-2025-27370)
		audiences = ins.Audiences[:1]
	}
	registration, ok := assertions.OfClient(client, parsed.Header.Alg, ins.Now(), ins.Limits.clientRules(), audiences)
	if !ok {
		method := assertions.Method(parsed.Header.Alg)
		return by, refused(FoundMethod, "its client is not registered for %s, which a JWT with alg %s is: make one for a method that %v lists, or register it with %v",
			method, parsed.Header.Alg, Operation{Noun: "client", Verb: "show", ID: client.ID}, Operation{Noun: "client", Verb: "update", ID: client.ID}.with("auth_methods", string(method))), nil
	}
	by.Registration = registration
	return by, nil, nil
}

// issuerOf is signerOf for the registrations of an iss. If there are several, the key decides.
func (ins *Inspector) issuerOf(ctx context.Context, verifier *assertions.Verifier, parsed assertions.Parsed, issuers []store.Issuer) (by signer, refusal *Finding, err error) {
	var enabled []signer
	var registrations []assertions.Registration
	var ids []string
	for _, i := range issuers {
		if i.Disabled {
			continue
		}
		r := assertions.OfIssuer(i, ins.Audiences)
		enabled = append(enabled, signer{Registration: r, issuer: i, repeats: i.AllowRepeat})
		registrations, ids = append(registrations, r), append(ids, i.ID)
	}
	by.Iss = parsed.Issuer()
	switch len(enabled) {
	case 0:
		return by, refused(FoundDisabled, "its issuer is disabled: %v enables it", Operation{Noun: "issuer", Verb: "update", ID: issuers[0].ID}.with("disabled", "false")), nil
	case 1:
		return enabled[0], nil, nil
	}
	chosen, err := verifier.Choose(ctx, ins.Now(), parsed, registrations)
	if fault := (*assertions.Fault)(nil); errors.As(err, &fault) {
		return by, nil, fmt.Errorf("check the assertion: %w", err)
	}
	if err != nil {
		return by, refused(FoundRefused, "%v; registered with its iss are %s", err, strings.Join(ids, ", ")), nil
	}
	return enabled[chosen], nil, nil
}

// slashedOtherwise names a registered issuer that differs only by a slash at its end, the most
// common mistake with identifiers that are compared byte by byte.
func (ins *Inspector) slashedOtherwise(ctx context.Context, iss string) (string, error) {
	other, slashed := strings.CutSuffix(iss, "/")
	if !slashed {
		other += "/"
	}
	_, err := ins.Issuers.IssuersOf(ctx, other)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("look up its issuer: %w", err)
	}
	return fmt.Sprintf(", but %q is: set iss to that, or register it as it is sent", other), nil
}
