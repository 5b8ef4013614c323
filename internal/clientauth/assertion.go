package clientauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/trust/assertions"
)

// AssertionType is the only "client_assertion_type" that is supported (RFC 7523 §2.2).
const AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// JWT is private_key_jwt, an assertion that the client signed with a private key, or
// client_secret_jwt, one under the client's secret (OpenID Connect Core §9; RFC 7521 §4.2,
// RFC 7523 §2.2, §3).
type JWT struct {
	Method   oauth.AuthMethod
	Verifier *assertions.Verifier
	// Issuer is the issuer identifier of this server, which has to be the sole audience: if the URL
	// of a token endpoint were an audience too, another server could make a client sign an
	// assertion that is valid here (CVE-2025-27370).
	Issuer string
	// Endpoints are the URLs of the token endpoint, for clients that are registered to use it as
	// the audience.
	Endpoints []string
	Rules     assertions.ClientRules
}

// Name implements [Method].
func (m JWT) Name() oauth.AuthMethod { return m.Method }

// Credentials implements [Method]. It reads the client's assertion. The algorithm in its header
// decides which of the two methods it is, and the client's registration decides whether the client
// may use that method.
func (m JWT) Credentials(r Request) ([]Credentials, error) {
	if !r.Form.Has("client_assertion") && !r.Form.Has("client_assertion_type") {
		return nil, nil
	}
	if !r.Form.Has("client_assertion") || !r.Form.Has("client_assertion_type") { // RFC 7521 §4.2
		return nil, oauth.Fail(oauth.InvalidRequest, "client_assertion_incomplete",
			"client_assertion and client_assertion_type are given together or not at all")
	}
	if r.Form.Get("client_assertion_type") != AssertionType {
		return nil, oauth.Fail(oauth.InvalidClient, "client_assertion_type",
			oauth.Quote("client_assertion_type", r.Form.Get("client_assertion_type"))+" is not supported: use "+AssertionType)
	}
	parsed, err := assertions.Parse(r.Form.Get("client_assertion"), []string{"", "jwt", assertions.ClientType})
	if err != nil {
		return nil, oauth.Fail(oauth.InvalidClient, "client_assertion_malformed", "client_assertion is malformed: "+err.Error())
	}
	if assertions.Method(parsed.Header.Alg) != m.Method {
		return nil, nil
	}
	return []Credentials{{ClientID: parsed.Issuer(), Assertion: &parsed}}, nil
}

// Verify implements [Method]. It checks the assertion against the registration of the client. The
// assertion is accepted once.
func (m JWT) Verify(ctx context.Context, client store.Client, presented Credentials, now time.Time) (Outcome, error) {
	audiences := []string{m.Issuer}
	if client.EndpointAudience {
		audiences = append(audiences, m.Endpoints...)
	}
	r, ok := assertions.OfClient(client, presented.Assertion.Header.Alg, now, m.Rules, audiences)
	if !ok {
		return Outcome{}, &CredentialError{errors.New("the client is not registered for assertions of its kind")}
	}
	assertion, err := m.Verifier.Verify(ctx, now, *presented.Assertion, r)
	if fault := (*assertions.Fault)(nil); errors.As(err, &fault) {
		return Outcome{}, fmt.Errorf("check the assertion: %w", err)
	}
	if err != nil {
		return Outcome{}, &CredentialError{err}
	}
	if assertion.Subject != client.ID { // RFC 7523 §3, item 2B
		return Outcome{}, &CredentialError{errors.New("its sub is not the client_id")}
	}
	return Outcome{Good: true, Use: store.Use{
		Issuer: r.Uses, ID: assertion.ID, ExpiresAt: store.At(assertion.ExpiresAt.Add(m.Verifier.Skew)),
	}}, nil
}
