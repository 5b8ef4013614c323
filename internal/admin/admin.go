package admin

import (
	"context"
	"encoding/base32"
	"fmt"
	"io"
	"strings"
	"time"

	"authserver/internal/store"
	"authserver/internal/trust/assertions"
)

// Admin has the operations of an administrator, noun by noun. They are safe for concurrent use,
// also while servers run on the same database.
type Admin struct {
	Clients    *Clients
	Users      *Users
	Resources  *Resources
	Issuers    *Issuers
	Families   *Families
	Sessions   *Sessions
	Deliveries *Deliveries
	Consents   *Consents
	Audit      *Audit
	Keys       *Keys
	MasterKeys *MasterKeys
	Tokens     *Inspector
}

// Common is what the operations on most nouns need.
type Common struct {
	// Self is this server's issuer identifier. It is the resource of clients without resources, and
	// needs no registration.
	Self   string
	Limits Limits
	Now    func() time.Time
	Rand   io.Reader
}

// Hasher hashes passwords, and secrets that an administrator brings.
type Hasher interface {
	Hash(ctx context.Context, secret string) ([]byte, error)
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

// clientRules are the rules of servers with these settings for the assertions of clients.
func (l Limits) clientRules() assertions.ClientRules {
	return assertions.ClientRules{Algorithms: l.AssertionAlgs, MaxLifetime: l.AssertionLifetime}
}

// Page bounds a listing. It has a name here because the callers of admin do not import store.
type Page = store.Page

// MaxPage bounds Page.Limit.
const MaxPage = store.MaxPage

// clock is the one of this command. Servers wrote the moments that it is compared with.
func (c *Common) clock() store.Clock { return store.Clock{Skew: c.Limits.ClockSkew} }

// now is cut to milliseconds, as a token stores a NotBefore.
func (c *Common) now() store.Moment { return store.At(c.Now().Truncate(time.Millisecond)) }

// name makes a random identifier of lower-case letters and digits from n bytes.
func (c *Common) name(n int) (string, error) {
	b, err := c.random(n)
	if err != nil {
		return "", err
	}
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)), nil
}

func (c *Common) random(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(c.Rand, b); err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	return b, nil
}
