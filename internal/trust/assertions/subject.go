package assertions

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"authserver/internal/store"
)

// The reasons why the issuer may not name a subject here. The grants choose what to tell the
// client.
var (
	ErrSubjectUnknown      = errors.New("its subject is not known here")
	ErrSubjectDisabled     = errors.New("its subject is disabled here")
	ErrSubjectTaken        = errors.New("its subject is the identifier of a user or client of this server")
	ErrSubjectUnauthorised = errors.New("its subject is a user for whom its client is not authorised")
)

// Subjects finds the subject of an assertion.
type Subjects struct {
	Users   store.Users
	Clients store.Clients
	Names   store.Names
}

// Subject is a user or a client of this server, or neither: a subject that only the issuer knows.
type Subject struct {
	User   *store.User
	Client *store.Client
}

// Find finds the subject of an assertion of an issuer. The error is one of those above, or a fault
// of the store. If a user is refused, Find returns the user too; otherwise the zero User.
func (s Subjects) Find(ctx context.Context, issuer store.Issuer, subject string) (Subject, error) {
	switch issuer.SubjectKind {
	case store.SubjectUser:
		user, err := s.user(ctx, issuer.SubjectClaim, subject)
		return Subject{User: &user}, err
	case store.SubjectClient:
		client, err := s.Client(ctx, subject)
		return Subject{Client: &client}, err
	case store.SubjectAny, store.SubjectFederated:
		return Subject{}, s.foreign(ctx, subject)
	}
	return Subject{}, fmt.Errorf("issuer %s has a subject kind that is not known", issuer.ID)
}

// FindOwn is Find for a client that is its own issuer: the subject is the client itself, or a user
// for whom it is authorised.
func (s Subjects) FindOwn(ctx context.Context, client store.Client, subject string) (Subject, error) {
	if subject == client.ID {
		return Subject{Client: &client}, nil
	}
	user, err := s.user(ctx, "sub", subject)
	if err != nil {
		return Subject{User: &user}, err
	}
	byName := slices.ContainsFunc(client.AssertUsers, func(pattern string) bool { return Matches(pattern, user.Username) })
	byRole := slices.ContainsFunc(client.AssertRoles, func(role string) bool { return slices.Contains(user.Roles, role) })
	if !byName && !byRole {
		return Subject{User: &user}, ErrSubjectUnauthorised
	}
	return Subject{User: &user}, nil
}

// Client finds the client for a subject.
func (s Subjects) Client(ctx context.Context, subject string) (store.Client, error) {
	client, err := s.Clients.Client(ctx, subject)
	return client, subjectError(err, client.Disabled)
}

// user finds a user by the value of the issuer's subject claim.
func (s Subjects) user(ctx context.Context, claim, subject string) (store.User, error) {
	kind := store.ByUsername
	switch claim {
	case "email":
		kind = store.ByEmail
	case "upn":
		kind = store.ByUPN
	}
	name, err := store.NormalizeName(subject)
	if err != nil {
		return store.User{}, ErrSubjectUnknown
	}
	user, err := s.Users.UserByName(ctx, kind, name)
	return user, subjectError(err, user.Disabled)
}

// foreign refuses a subject that is the name of a user or client here: an issuer that may name any
// subject must not impersonate our users and clients (RFC 9068 §5).
func (s Subjects) foreign(ctx context.Context, subject string) error {
	taken, err := s.Names.SubjectTaken(ctx, subject)
	switch {
	case err != nil:
		return fmt.Errorf("look up the subject: %w", err)
	case taken:
		return ErrSubjectTaken
	}
	return nil
}

// subjectError returns the error of a subject for the result of reading its row.
func subjectError(err error, disabled bool) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return ErrSubjectUnknown
	case err != nil:
		return fmt.Errorf("look up the subject: %w", err)
	case disabled:
		return ErrSubjectDisabled
	}
	return nil
}
