package sessions

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"authserver/internal/store"
	"authserver/internal/tokens"
)

// Sessions are the browser sessions of this server.
type Sessions struct {
	Store interface {
		CreateSession(ctx context.Context, s store.Session, by store.Change) error
		SessionBySecret(ctx context.Context, secret [32]byte, clientID string) (store.SignedIn, error)
		RenewSession(ctx context.Context, old [32]byte, s store.Session, by store.Change) error
	}
	// Ender ends a session and what depends on it; it is [tokens.Revoker].
	Ender interface {
		Session(ctx context.Context, by tokens.By, id store.SessionID) error
	}
	Seen    *LastSeen
	IdleTTL time.Duration // a session that is unused for so long is over
	MaxTTL  time.Duration // a session is over so long after the sign-in that began it
	Clock   store.Clock   // that requests read their moment from
	Rand    io.Reader
}

// Person is the user as whom a browser is signed in, with the session.
type Person struct {
	Session store.Session
	User    store.User // without PasswordHash
	// Consent is that of the person to the client that Find was given; nil: none.
	Consent *store.Consent
}

// Actor is the person, for the audit.
func (p Person) Actor() store.Actor { return store.Actor{Type: store.ActorUser, ID: p.User.ID} }

// AMR are the methods by which the person signed in, each once (OpenID Connect Core §2,
// "amr").
func (p Person) AMR() []string {
	var methods []string
	for _, m := range p.Session.Methods {
		if !slices.Contains(methods, m.Method) {
			methods = append(methods, m.Method)
		}
	}
	return methods
}

// ACROneFactor is the authentication context class of a sign-in by one factor: level 1 of
// ISO/IEC 29115 (OpenID Connect Core §2, "acr").
const ACROneFactor = "1"

// ACRs are the authentication context classes that a sign-in can reach, for the metadata.
func ACRs() []string { return []string{ACROneFactor} }

// ACR is the authentication context class of the sign-in.
func (p Person) ACR() string { return ACROneFactor }

// Find returns the person who is signed in with a secret, with the consent to a client, in one
// read; nil: no person is signed in. clientID may be "".
func (s *Sessions) Find(ctx context.Context, secret, clientID string, now time.Time) (*Person, error) {
	hash, ok := hashOf(secret)
	if !ok {
		return nil, nil
	}
	found, err := s.Store.SessionBySecret(ctx, hash, clientID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look up the session: %w", err)
	case found.Session.Void(found.User, store.At(now), s.Clock):
		return nil, nil
	}
	s.found(found.Session, store.At(now))
	return &Person{found.Session, found.User, found.Consent}, nil
}

// found notes that a session was used, unless that was recorded for this minute already.
func (s *Sessions) found(session store.Session, now store.Moment) {
	if now.Sub(session.SeenAt) < seenEvery {
		return
	}
	seen := now
	if seen.After(session.IdleExpiresAt) { // by another clock: by this one it has not expired
		seen = session.IdleExpiresAt
	}
	s.Seen.note(store.SessionSeen{ID: session.ID, SeenAt: seen, IdleExpiresAt: store.At(now.Add(s.IdleTTL))})
}

// Used notes that an app of the person used a session by a refresh of tokens that end with it. No
// request waits for that. A session that was idle for too long before stays ended.
func (s *Sessions) Used(id store.SessionID, now time.Time) {
	s.Seen.note(store.SessionSeen{ID: id, SeenAt: store.At(now), IdleExpiresAt: store.At(now.Add(s.IdleTTL))})
}

// SignIn is a successful authentication of a person with a browser.
type SignIn struct {
	User    store.User
	Method  string // an authentication method reference (RFC 8176), such as "pwd"
	Device  string // the header User-Agent
	Address string
	// At is the moment of the sign-in; never before the page was shown, whatever the clocks.
	At        time.Time
	RequestID string
}

// Begin signs a person in, and returns the secret for the cookie. before is the person who was
// signed in with the browser; nil: none. A session of the same person continues under a new secret,
// so that a secret which an attacker planted or learnt becomes invalid (session fixation). A
// session of another person ends.
func (s *Sessions) Begin(ctx context.Context, in SignIn, before *Person) (string, *Person, error) {
	secret, hash, err := newSecret(s.Rand)
	if err != nil {
		return "", nil, err
	}
	at := store.At(in.At)
	session := store.Session{
		Secret: hash, UserID: in.User.ID, UserNotBefore: in.User.NotBefore,
		Methods: []store.SessionMethod{{Method: in.Method, At: at}}, Device: device(in.Device), Address: in.Address,
		CreatedAt: at, SeenAt: at, IdleExpiresAt: store.At(in.At.Add(s.IdleTTL)), ExpiresAt: store.At(in.At.Add(s.MaxTTL)),
	}
	by := store.Change{Actor: store.Actor{Type: store.ActorUser, ID: in.User.ID}, At: at, RequestID: in.RequestID}
	if before != nil && before.User.ID == in.User.ID {
		session.ID, session.CreatedAt = before.Session.ID, before.Session.CreatedAt
		by.Event = store.SessionRenewed
		err := s.Store.RenewSession(ctx, before.Session.Secret, session, by)
		if err == nil {
			return secret, &Person{Session: session, User: in.User}, nil
		}
		if !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrConflict) {
			return "", nil, fmt.Errorf("renew the session: %w", err)
		}
		session.CreatedAt = at // it ended meanwhile
	}
	if before != nil && before.User.ID != in.User.ID {
		if err := s.End(ctx, before, store.EndedByOtherPerson, in.RequestID); err != nil {
			return "", nil, err
		}
	}
	if _, err := io.ReadFull(s.Rand, session.ID[:]); err != nil {
		return "", nil, fmt.Errorf("name a session: %w", err)
	}
	by.Event = store.SessionCreated
	if err := s.Store.CreateSession(ctx, session, by); err != nil {
		return "", nil, fmt.Errorf("begin a session: %w", err)
	}
	return secret, &Person{Session: session, User: in.User}, nil
}

// End ends a session, and the refresh token families that live with it.
func (s *Sessions) End(ctx context.Context, p *Person, reason, requestID string) error {
	err := s.Ender.Session(ctx, tokens.By{Actor: p.Actor(), RequestID: requestID, Reason: reason}, p.Session.ID)
	if errors.Is(err, store.ErrNotFound) { // it has ended already
		return nil
	}
	return err
}

// maxDevice bounds the stored part of the header User-Agent, in bytes.
const maxDevice = 200

// device is the stored part of the header User-Agent.
func device(agent string) string {
	plain := make([]byte, 0, min(len(agent), maxDevice))
	for i := 0; i < len(agent) && len(plain) < maxDevice; i++ {
		if c := agent[i]; c >= 0x20 && c <= 0x7e {
			plain = append(plain, c)
		}
	}
	return string(plain)
}
