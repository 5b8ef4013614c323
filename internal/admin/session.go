package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"authserver/internal/store"
	"authserver/internal/tokens"
)

// The states of a session.
const (
	SessionActive  = "active"
	SessionExpired = "expired"
	SessionEnded   = "ended"
)

// Session is a browser in which a person is signed in. It has no secret.
type Session struct {
	ID            string          `json:"id"` // hex; "sid" of the ID tokens
	State         string          `json:"state"`
	Subject       string          `json:"sub"`
	Username      string          `json:"username"`
	Methods       []SessionMethod `json:"methods"` // how the person authenticated, the oldest first
	Device        string          `json:"device"`
	Address       string          `json:"address"` // of the last sign-in
	CreatedAt     time.Time       `json:"created_at"`
	SeenAt        time.Time       `json:"seen_at"` // to the minute
	IdleExpiresAt time.Time       `json:"idle_expires_at"`
	ExpiresAt     time.Time       `json:"expires_at"`
	// EndedAt and Reason are when and why it ended: by itself, or with its user.
	EndedAt *time.Time `json:"ended_at"`
	Reason  string     `json:"end_reason"`
}

// SessionMethod is one authentication of the person.
type SessionMethod struct {
	Method string    `json:"method"` // RFC 8176
	At     time.Time `json:"at"`
}

// SessionQuery selects the sessions of a user, or of all. Page.After is the ID of a session;
// Page.Search is of no use here.
type SessionQuery struct {
	User string // username, email address, UPN or id; "": all
	Page Page
}

// Sessions has the operations on browser sessions.
type Sessions struct {
	*Common
	Store interface {
		Session(ctx context.Context, id store.SessionID) (store.Session, error)
		ListSessions(ctx context.Context, p store.SessionPage) ([]store.Session, error)
	}
	Users   UserFinder
	Revoker *tokens.Revoker
}

// List lists sessions in the order of their IDs.
func (ss *Sessions) List(ctx context.Context, _ Call, q SessionQuery) ([]Session, error) {
	page := store.SessionPage{Limit: q.Page.Limit}
	if q.User != "" {
		u, err := ss.Users.find(ctx, q.User)
		if err != nil {
			return nil, err
		}
		page.UserID = u.ID
	}
	if q.Page.After != "" {
		id, ok := store.ParseSessionID(q.Page.After)
		if !ok {
			return nil, Faults{newFault("after", CodeInvalid, "it has to be the id of a session: 32 hexadecimal digits")}
		}
		page.After = id
	}
	rows, err := ss.Store.ListSessions(ctx, page)
	if err != nil {
		return nil, fmt.Errorf("list the sessions: %w", err)
	}
	var users map[string]store.User
	views := make([]Session, 0, len(rows))
	for _, s := range rows {
		u, err := once(ctx, &users, s.UserID, ss.Users.Store.User)
		if err != nil {
			return nil, err
		}
		views = append(views, ss.view(s, u))
	}
	return views, nil
}

// Get returns the session with an ID.
func (ss *Sessions) Get(ctx context.Context, _ Call, id string) (Session, error) {
	parsed, ok := store.ParseSessionID(id)
	if !ok {
		return Session{}, missing("session", id)
	}
	s, err := ss.Store.Session(ctx, parsed)
	if err != nil {
		return Session{}, explain("session", id, err)
	}
	u, err := ss.Users.Store.User(ctx, s.UserID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Session{}, fmt.Errorf("look up whose session it is: %w", err)
	}
	return ss.view(s, u), nil
}

// Revoke ends the session with an ID and the families that depend on it, and revokes their tokens.
func (ss *Sessions) Revoke(ctx context.Context, by Call, id string) error {
	parsed, ok := store.ParseSessionID(id)
	if !ok {
		return missing("session", id)
	}
	return explain("session", id, ss.Revoker.Session(ctx, tokens.By{Actor: by.Actor, RequestID: by.RequestID, Reason: store.EndedByOperator}, parsed))
}

// RevokeAll ends every session of a user, and returns the number of active ones.
func (ss *Sessions) RevokeAll(ctx context.Context, by Call, user string) (ended int, err error) {
	u, err := ss.Users.find(ctx, user)
	if err != nil {
		return 0, err
	}
	page := store.SessionPage{UserID: u.ID, Limit: store.MaxPage}
	for {
		rows, err := ss.Store.ListSessions(ctx, page)
		if err != nil {
			return ended, fmt.Errorf("list the sessions: %w", err)
		}
		for _, s := range rows {
			page.After = s.ID
			if !s.EndedAt.IsZero() {
				continue
			}
			err := ss.Revoker.Session(ctx, tokens.By{Actor: by.Actor, RequestID: by.RequestID, Reason: store.EndedByOperator}, s.ID)
			if err != nil && !errors.Is(err, store.ErrNotFound) { // it was swept meanwhile
				return ended, err
			}
			if ss.view(s, u).State == SessionActive {
				ended++
			}
		}
		if len(rows) < page.Limit {
			return ended, nil
		}
	}
}

func (ss *Sessions) view(s store.Session, u store.User) Session {
	state := SessionActive
	at, reason := s.Ended(u)
	switch {
	case reason == store.EndedByExpiry:
		state = SessionExpired
	case reason != "":
		state = SessionEnded
	case s.Expired(store.At(ss.Now()), ss.clock()):
		state = SessionExpired
	}
	methods := make([]SessionMethod, 0, len(s.Methods))
	for _, m := range s.Methods {
		methods = append(methods, SessionMethod(m))
	}
	return Session{
		ID: s.ID.String(), State: state, Subject: s.UserID, Username: u.Username, Methods: methods, Device: s.Device, Address: s.Address,
		CreatedAt: s.CreatedAt, SeenAt: s.SeenAt, IdleExpiresAt: s.IdleExpiresAt, ExpiresAt: s.ExpiresAt, EndedAt: moment(at), Reason: reason,
	}
}
