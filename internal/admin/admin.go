package admin

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"gocloud.dev/secrets"

	"authserver/internal/keys"
	"authserver/internal/keys/sealing"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
	"authserver/internal/trust/assertions"
	"authserver/internal/trust/remotekeys"
)

// Admin carries out what an administrator asks for. All of it may be called
// concurrently, and while servers run on the same database.
type Admin struct {
	Store  store.Store
	Sealer *sealing.Sealer
	// Remote are the key sets that issuers and clients publish; LocalHTTP takes a URL of
	// http to this machine for one.
	Remote    *remotekeys.Sets
	LocalHTTP bool
	Keys      *keys.Manager
	// RefreshKeys are those that authenticate refresh tokens; nothing is loaded yet.
	RefreshKeys *keys.RefreshKeys
	// OpenMaster opens another master key than the one that is set, and names it.
	OpenMaster func(ctx context.Context, to MasterKey) (keeper *secrets.Keeper, id string, err error)
	// Closer is what to close in the end; nil: nothing.
	Closer    io.Closer
	Passwords interface {
		Hash(ctx context.Context, secret string) ([]byte, error)
	}
	Revoker *tokens.Revoker
	// Self is this server's issuer identifier. It is the resource of clients that
	// are registered for none, and needs no registration itself.
	Self string
	// Audiences are the names under which an assertion may address this server.
	Audiences []string
	Limits    Limits
	// TakesCertificates and TrustsAuthorities are whether the certificates of clients
	// reach a server with these settings, and whether any authority vouches for them.
	TakesCertificates, TrustsAuthorities bool

	Now  func() time.Time
	Rand io.Reader
}

// Limits are the settings that registrations follow.
type Limits struct {
	AccessTokenTTL    time.Duration // of a resource that sets none
	MaxAccessTokenTTL time.Duration // the longest that a resource may set
	SigningAlg        string        // of a resource that sets none
	RefreshIdleTTL    time.Duration // of a client that sets none
	RefreshMaxTTL     time.Duration // of a client that sets none
	RefreshGrace      time.Duration // how long a refresh may be retried
	AssertionLifetime time.Duration // the longest of an issuer that sets none
	AssertionAlgs     []string      // that clients may sign assertions with; nil: any
	ClockSkew         time.Duration // by which other clocks may differ from ours
}

// clientRules are what servers with these settings want of the assertions of clients.
func (l Limits) clientRules() assertions.ClientRules {
	return assertions.ClientRules{Algorithms: l.AssertionAlgs, MaxLifetime: l.AssertionLifetime}
}

// Close lets go of what was opened for the keys.
func (a *Admin) Close() error {
	if a.Closer == nil {
		return nil
	}
	return a.Closer.Close()
}

// Page bounds a listing.
type Page = store.Page

// MaxPage bounds Page.Limit.
const MaxPage = store.MaxPage

// now is cut to the milliseconds that a token remembers of a NotBefore.
func (a *Admin) now() store.Moment { return store.At(a.Now().Truncate(time.Millisecond)) }

// name makes a random identifier of lower-case letters and digits from n bytes.
func (a *Admin) name(n int) (string, error) {
	b, err := a.random(n)
	if err != nil {
		return "", err
	}
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)), nil
}

func (a *Admin) random(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(a.Rand, b); err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	return b, nil
}

// unlisted warns of scopes that none of the resources lists, which can therefore
// never be had. A resource that lists none leaves its scopes to its clients, and
// no resource at all means this server itself, which does the same.
func (a *Admin) unlisted(ctx context.Context, scopes oauth.Scope, resources []string) ([]Fault, error) {
	var listed oauth.Scope
	for _, id := range resources {
		resource, err := a.Store.Resource(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			if id == a.Self {
				return nil, nil
			}
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look up resource %q: %w", id, err)
		}
		if len(resource.Scopes) == 0 {
			return nil, nil
		}
		listed = append(listed, resource.Scopes...)
	}
	var warnings []Fault
	for _, scope := range scopes {
		if len(resources) > 0 && !listed.Has(scope) && !oauth.IdentityScopes().Has(scope) {
			warnings = append(warnings, newFault("scopes", CodeUnused,
				"%q is listed by none of the resources, so that no token can have it: add it with %v", scope, Operation{Noun: "resource", Verb: "update"}))
		}
	}
	return warnings, nil
}
