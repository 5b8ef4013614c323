package grants

import (
	"context"
	"errors"
	"fmt"

	"authserver/internal/store"
	"authserver/internal/tokens"
	"authserver/internal/trust/assertions"
)

// errVoid is the refusal of every revoked token, whatever the reason.
var errVoid = errors.New("it is revoked")

// subjectOf finds the subject of a token of this server, and refuses a revoked token: its subject
// or its client has another NotBefore by now, was deleted, or was registered under that name later.
// The view of revocations may be behind, and a token made from this one would carry the new
// NotBefore and be valid. A refusal comes with the subject, as far as it is known, for the log.
func (g *Exchange) subjectOf(ctx context.Context, at store.Client, claims tokens.Claims) (assertions.Subject, error) {
	found, err := g.find(ctx, claims.Subject)
	if err != nil {
		return assertions.Subject{}, err
	}
	client := &at
	if claims.ClientID != at.ID {
		if client, err = g.client(ctx, claims.ClientID); err != nil {
			return found, err
		}
	}
	if !claims.Parsed.OfSubject(notBefore(found)) || !claims.Parsed.OfClient(notBefore(assertions.Subject{Client: client})) {
		return found, errVoid
	}
	if found.User != nil && found.User.Disabled || found.Client != nil && found.Client.Disabled {
		return found, assertions.ErrSubjectUnknown
	}
	return found, nil
}

// find returns the user or client of a subject; neither if only an issuer knows the subject.
func (g *Exchange) find(ctx context.Context, subject string) (assertions.Subject, error) {
	user, err := g.Users.User(ctx, subject)
	if err == nil {
		return assertions.Subject{User: &user}, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return assertions.Subject{}, fmt.Errorf("look up the subject: %w", err)
	}
	client, err := g.client(ctx, subject)
	return assertions.Subject{Client: client}, err
}

// client returns the client of a name, or nil.
func (g *Exchange) client(ctx context.Context, id string) (*store.Client, error) {
	client, err := g.Clients.Client(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // no client is an answer
	}
	if err != nil {
		return nil, fmt.Errorf("look up the client: %w", err)
	}
	return &client, nil
}

// notBefore is that of a user or client; zero: it is neither.
func notBefore(s assertions.Subject) store.Moment {
	switch {
	case s.User != nil:
		return s.User.NotBefore
	case s.Client != nil:
		return s.Client.NotBefore
	}
	return store.Moment{}
}
