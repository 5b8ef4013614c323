package authorize

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/sessions"
	"authserver/internal/store"
)

// ConsentPrompt asks the person to consent to the request of the client.
type ConsentPrompt struct{}

// Needs implements [Prompt].
func (ConsentPrompt) Needs(s PromptInput) *Need {
	rule := s.Client.ConsentRule()
	prompted := s.Request.asks("consent")
	if rule == store.ConsentNever && !prompted {
		return nil
	}
	agreed := s.Consent != nil && s.Consent.Covers(s.Grantable.ByResource)
	if rule == store.ConsentAlways || prompted {
		agreed = agreed && !s.Consent.GrantedAt.Before(s.Continuation.Began)
	}
	if agreed {
		return nil
	}
	return &Need{ConsentPage, oauth.Fail(oauth.ConsentRequired, "consent_required", "the person has to consent to what the client asks for")}
}

// ShowConsent returns the continuation of a consent page for a person.
func (f Flow) ShowConsent(person *sessions.Person) (Continuation, error) {
	shown, err := f.shown()
	if err != nil {
		return Continuation{}, err
	}
	c := f.Continuation
	c.User, c.Shown = person.User.ID, shown
	return c, nil
}

// shown is a hash of what a consent page shows: the client and the scopes.
func (f Flow) shown() (string, error) {
	text, err := json.Marshal([]any{f.Client.ID, f.Grantable.ByResource})
	if err != nil {
		return "", fmt.Errorf("describe a consent page: %w", err)
	}
	hash := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(hash[:16]), nil
}

// DecisionCounts reports whether a decision on a consent page counts: the page was shown to the
// person who is signed in now, and it showed what the client asks for now. If not, the prompts are
// asked again.
func (f Flow) DecisionCounts(person *sessions.Person) bool {
	shown, err := f.shown()
	return err == nil && f.fault == nil && person != nil && person.User.ID == f.Continuation.User && shown == f.Continuation.Shown
}

// Approve records that the person agreed.
func (a *Authorizer) Approve(ctx context.Context, f Flow, person *sessions.Person, now time.Time, requestID string) error {
	at := store.At(now)
	if at.Before(f.Continuation.Began) { // by the clock of another replica
		at = f.Continuation.Began
	}
	scopes, err := a.agreed(ctx, f, person, at)
	if err != nil {
		return err
	}
	consent := store.Consent{UserID: person.User.ID, ClientID: f.Client.ID, Scopes: scopes, GrantedAt: at}
	by := store.Change{Actor: person.Actor(), Event: store.ConsentGranted, At: at, RequestID: requestID}
	if err := a.Consents.SetConsent(ctx, consent, by); err != nil {
		return fmt.Errorf("record the consent: %w", err)
	}
	return nil
}

// agreed adds the new consent to the earlier one.
func (a *Authorizer) agreed(ctx context.Context, f Flow, person *sessions.Person, at store.Moment) (map[string]oauth.Scope, error) {
	before, err := a.Consents.Consent(ctx, person.User.ID, f.Client.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("look up the consent: %w", err)
	}
	all := make(map[string]oauth.Scope)
	if err == nil && before.Live(at) {
		for resource, scope := range before.Scopes {
			all[resource] = scope
		}
	}
	for resource, scope := range f.Grantable.ByResource {
		all[resource] = all[resource].Union(scope)
	}
	return all, nil
}

// Deny tells the client that the person refused (RFC 6749 §4.1.2.1).
func (a *Authorizer) Deny(f Flow) Step {
	return a.refusal(f, oauth.Fail(oauth.AccessDenied, "access_denied", "the person did not consent"))
}
