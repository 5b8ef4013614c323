package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"authserver/internal/keys"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// The states of a family.
const (
	FamilyActive  = "active"
	FamilyExpired = "expired"
	FamilyRevoked = "revoked"
)

// Family is a refresh token family: all refresh tokens of one login.
type Family struct {
	ID            string     `json:"id"` // hex
	State         string     `json:"state"`
	ClientID      string     `json:"client_id"`
	Subject       string     `json:"sub"`
	Username      string     `json:"username"`
	Session       string     `json:"session,omitempty"` // the id of the session in which it began
	Offline       bool       `json:"offline,omitempty"` // it does not end with that session
	Scopes        []string   `json:"scopes"`
	Resources     []string   `json:"resources"`
	Presented     uint32     `json:"presented_generation,omitempty"` // of the token that was inspected
	Current       uint32     `json:"current_generation"`             // the valid one
	CreatedAt     time.Time  `json:"created_at"`
	RotatedAt     *time.Time `json:"rotated_at"`
	IdleExpiresAt time.Time  `json:"idle_expires_at"`
	ExpiresAt     time.Time  `json:"expires_at"`
	// RevokedAt and Revocation are when and why it ended: by itself, or with its user or its
	// client.
	RevokedAt  *time.Time `json:"revoked_at"`
	Revocation string     `json:"revocation_reason"`
}

// Families has the operations on refresh token families.
type Families struct {
	*Common
	Store interface {
		Family(ctx context.Context, id store.FamilyID) (store.Family, error)
		ListFamilies(ctx context.Context, p store.FamilyPage) ([]store.Family, error)
	}
	Users   UserFinder
	Clients store.Clients
	Revoker *tokens.Revoker
	Signing *keys.Manager     // by which an access token is known
	Refresh *keys.RefreshKeys // by which a refresh token is; nothing is loaded yet
}

// FamilyQuery selects the families of a user, of a client, or of both if both are set. Page.After
// is the ID of a family; Page.Search is of no use here.
type FamilyQuery struct {
	User   string // username, email address, UPN or id
	Client string
	Page   Page
}

// List lists families in the order of their IDs.
func (fs *Families) List(ctx context.Context, by Call, q FamilyQuery) ([]Family, error) {
	page := store.FamilyPage{ClientID: q.Client, Limit: q.Page.Limit}
	if q.User != "" {
		u, err := fs.Users.find(ctx, q.User)
		if err != nil {
			return nil, err
		}
		page.UserID = u.ID
	}
	if q.Page.After != "" {
		id, ok := store.ParseFamilyID(q.Page.After)
		if !ok {
			return nil, Faults{{"after", CodeInvalid, Text{"it has to be the id of a family: 32 hexadecimal digits", nil}}}
		}
		page.After = id
	}
	families, err := fs.Store.ListFamilies(ctx, page)
	if err != nil {
		return nil, fmt.Errorf("list the families: %w", err)
	}
	owners := fs.owners()
	views := make([]Family, 0, len(families))
	for _, f := range families {
		v, err := fs.view(ctx, owners, f)
		if err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	if len(views) == 0 && q.Client != "" {
		if _, err := fs.Clients.Client(ctx, q.Client); err != nil { // a mistyped name has no families either
			return nil, explain("client", q.Client, err)
		}
	}
	return views, nil
}

// Get returns the family with an ID, or the one that a token belongs to.
func (fs *Families) Get(ctx context.Context, by Call, named string) (Family, error) {
	f, err := fs.find(ctx, named)
	if err != nil {
		return Family{}, err
	}
	return fs.view(ctx, fs.owners(), f)
}

// Revoke revokes the family with an ID, with its refresh token and its access tokens.
func (fs *Families) Revoke(ctx context.Context, by Call, id string) error {
	f, err := fs.find(ctx, id)
	if err != nil {
		return err
	}
	return fs.Revoker.Family(ctx, tokens.By{Actor: by.Actor, RequestID: by.RequestID, Reason: store.EndedByOperator}, f.ID)
}

func (fs *Families) find(ctx context.Context, named string) (store.Family, error) {
	id, ok := store.ParseFamilyID(named)
	if !ok {
		var err error
		if id, err = fs.ofToken(ctx, named); err != nil {
			return store.Family{}, err
		}
	}
	f, err := fs.Store.Family(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return store.Family{}, failure(store.ErrNotFound, CodeNotFound,
			"family %s is not there: it ended more than a day ago, or its user was deleted. %v shows those of a user", id, Operation{Noun: "family", Verb: "list"}.with("user", ""))
	}
	if err != nil {
		return store.Family{}, fmt.Errorf("look up the family: %w", err)
	}
	return f, nil
}

// ofToken returns the family of a token of this server, whether or not the token is still valid.
func (fs *Families) ofToken(ctx context.Context, token string) (store.FamilyID, error) {
	refuse := func(format string, args ...any) error {
		return Faults{{"family", CodeInvalid, Text{format, args}}}
	}
	if strings.HasPrefix(token, tokens.RefreshPrefix) {
		if err := fs.Refresh.Reload(ctx); err != nil {
			return store.FamilyID{}, err
		}
		refresh, err := (&tokens.RefreshCodec{Keys: fs.Refresh}).Decode(token)
		if err != nil {
			return store.FamilyID{}, refuse("%v", err)
		}
		return refresh.Family, nil
	}
	_, claims, err := decode(token)
	if err != nil {
		return store.FamilyID{}, refuse("it is no id of a family, which has 32 hexadecimal digits, and no token of this server")
	}
	if err := fs.Signing.Reload(ctx); err != nil {
		return store.FamilyID{}, fmt.Errorf("read the signing keys: %w", err)
	}
	issued, _ := claims["iat"].(json.Number)
	at, _ := issued.Int64()
	verified, err := (&tokens.Verifier{Issuer: fs.Self, Keys: fs.Signing, Skew: fs.Limits.ClockSkew}).Verify(time.Unix(at, 0), token)
	if err != nil {
		return store.FamilyID{}, refuse("it is no access token of this server: %v", err)
	}
	id, err := tokens.ParseID(verified.ID)
	if err != nil || id.Family.IsZero() {
		return store.FamilyID{}, refuse("this access token belongs to no family: it was issued without a refresh token")
	}
	return id.Family, nil
}

// owners remembers the users and clients of families, of which many have the same.
type owners struct {
	findUser   func(ctx context.Context, id string) (store.User, error)
	findClient func(ctx context.Context, id string) (store.Client, error)
	users      map[string]store.User
	clients    map[string]store.Client
}

func (fs *Families) owners() *owners {
	return &owners{findUser: fs.Users.Store.User, findClient: fs.Clients.Client}
}

func (o *owners) of(ctx context.Context, f store.Family) (u store.User, c store.Client, err error) {
	if u, err = once(ctx, &o.users, f.UserID, o.findUser); err == nil {
		c, err = once(ctx, &o.clients, f.ClientID, o.findClient)
	}
	return u, c, err
}

// once looks up a row the first time. A deleted one is zero.
func once[V any](ctx context.Context, known *map[string]V, id string, look func(context.Context, string) (V, error)) (V, error) {
	if v, ok := (*known)[id]; ok {
		return v, nil
	}
	v, err := look(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return v, fmt.Errorf("look up the user or the client: %w", err)
	}
	if *known == nil {
		*known = map[string]V{}
	}
	(*known)[id] = v
	return v, nil
}

func (fs *Families) view(ctx context.Context, o *owners, f store.Family) (Family, error) {
	user, client, err := o.of(ctx, f)
	if err != nil {
		return Family{}, err
	}
	at, reason := f.Ended(user, client.NotBefore)
	state := FamilyActive
	switch {
	case client.ID == "":
		state, reason = FamilyRevoked, store.EndedByClientDeleted
	case !at.IsZero():
		state = FamilyRevoked
	case f.Expired(store.At(fs.Now()), fs.clock()):
		state = FamilyExpired
	}
	session := ""
	if !f.SessionID.IsZero() {
		session = f.SessionID.String()
	}
	return Family{
		ID: f.ID.String(), Session: session, Offline: f.Offline, State: state, ClientID: f.ClientID, Subject: f.UserID, Username: user.Username,
		Scopes: listed(f.Scope), Resources: listed(f.Resources), Current: f.Generation,
		CreatedAt: f.CreatedAt, RotatedAt: moment(f.RotatedAt), IdleExpiresAt: f.IdleExpiresAt, ExpiresAt: f.ExpiresAt,
		RevokedAt: moment(at), Revocation: reason,
	}, nil
}
