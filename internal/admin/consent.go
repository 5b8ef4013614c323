package admin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"authserver/internal/store"
	"authserver/internal/tokens"
)

// Consent is a consent, for display.
type Consent struct {
	ClientID  string         `json:"client_id"`
	Client    string         `json:"client_name"`
	Subject   string         `json:"sub"`
	Username  string         `json:"username"`
	Scopes    []ConsentScope `json:"scopes"`
	GrantedAt time.Time      `json:"granted_at"`
	Until     *time.Time     `json:"until"` // null: it does not end by itself
}

// ConsentScope is the scopes of one resource.
type ConsentScope struct {
	Resource string   `json:"resource,omitempty"` // left out: the scopes of OpenID Connect
	Scopes   []string `json:"scopes"`
}

// ConsentQuery asks for the consents of a user. Page.After is a client; Page.Search is of no
// use here.
type ConsentQuery struct {
	User string // username, email address, UPN or id
	Page Page
}

// Consents has the operations on consents.
type Consents struct {
	Store interface {
		Consent(ctx context.Context, userID, clientID string) (store.Consent, error)
		ListConsents(ctx context.Context, p store.ConsentPage) ([]store.Consent, error)
	}
	Users   UserFinder
	Clients store.Clients
	Revoker *tokens.Revoker
}

// List lists consents in the order of their clients.
func (cs *Consents) List(ctx context.Context, _ Call, q ConsentQuery) ([]Consent, error) {
	u, err := cs.Users.find(ctx, q.User)
	if err != nil {
		return nil, err
	}
	rows, err := cs.Store.ListConsents(ctx, store.ConsentPage{UserID: u.ID, After: q.Page.After, Limit: q.Page.Limit})
	if err != nil {
		return nil, fmt.Errorf("list the consents: %w", err)
	}
	var clients map[string]store.Client
	views := make([]Consent, 0, len(rows))
	for _, c := range rows {
		client, err := once(ctx, &clients, c.ClientID, cs.Clients.Client)
		if err != nil {
			return nil, err
		}
		views = append(views, viewConsent(c, u, client))
	}
	return views, nil
}

// Get returns the consent of a user to a client.
func (cs *Consents) Get(ctx context.Context, _ Call, user, clientID string) (Consent, error) {
	u, err := cs.Users.find(ctx, user)
	if err != nil {
		return Consent{}, err
	}
	c, err := cs.Store.Consent(ctx, u.ID, clientID)
	if err != nil {
		return Consent{}, explainConsent(u, clientID, err)
	}
	client, err := once(ctx, &map[string]store.Client{}, clientID, cs.Clients.Client)
	return viewConsent(c, u, client), err
}

// Revoke removes a consent, and revokes the user's families at the client, with their tokens.
func (cs *Consents) Revoke(ctx context.Context, by Call, user, clientID string) error {
	u, err := cs.Users.find(ctx, user)
	if err != nil {
		return err
	}
	return explainConsent(u, clientID, cs.Revoker.Consent(ctx, tokens.By{Actor: by.Actor, RequestID: by.RequestID, Reason: store.EndedByOperator}, u.ID, clientID))
}

// explainConsent is explain for a consent of a user.
func explainConsent(u store.User, clientID string, err error) error {
	if IsMissing(err) {
		return failure(err, CodeNotFound, "consent %q %v: %v shows those there are", clientID, store.ErrNotFound, Operation{Noun: "consent", Verb: "list"}.with("user", u.Username))
	}
	return explain("consent", clientID, err)
}

func viewConsent(c store.Consent, u store.User, client store.Client) Consent {
	view := Consent{ClientID: c.ClientID, Client: client.Name, Subject: u.ID, Username: u.Username, Scopes: []ConsentScope{}, GrantedAt: c.GrantedAt, Until: moment(c.Until)}
	for _, resource := range slices.Sorted(maps.Keys(c.Scopes)) {
		view.Scopes = append(view.Scopes, ConsentScope{Resource: resource, Scopes: listed(c.Scopes[resource])})
	}
	return view
}
