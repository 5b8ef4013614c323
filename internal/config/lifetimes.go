package config

import (
	"fmt"
	"time"
)

// AccessTokens bounds the lifetime of access tokens.
type AccessTokens struct {
	MaxAccessTokenTTL time.Duration `name:"max-access-token-ttl" setting:"flag env file" group:"Tokens" default:"24h" help:"Longest lifetime that a resource may have. Retired keys stay published for as long."`
}

func (a *AccessTokens) complete(*completion) []error {
	return present(checkDuration("max-access-token-ttl", a.MaxAccessTokenTTL, time.Second, 30*day))
}

// NewResources has the defaults of a new resource.
type NewResources struct {
	DefaultAccessTokenTTL time.Duration `name:"default-access-token-ttl" setting:"flag env file" group:"Tokens" default:"15m" help:"Lifetime of the access tokens of a new resource without a lifetime of its own."`
}

func (r *NewResources) complete(*completion) []error {
	return present(checkDuration("default-access-token-ttl", r.DefaultAccessTokenTTL, time.Second, 30*day))
}

// checkWithin checks that the default of a new resource is within the longest lifetime.
func (r *NewResources) checkWithin(most AccessTokens) error {
	if r.DefaultAccessTokenTTL <= most.MaxAccessTokenTTL {
		return nil
	}
	return fmt.Errorf("default-access-token-ttl is %s, longer than max-access-token-ttl, %s: lower the one or raise the other",
		FormatDuration(r.DefaultAccessTokenTTL), FormatDuration(most.MaxAccessTokenTTL))
}

// NewClients has the defaults of a new client.
type NewClients struct {
	DefaultRefreshIdleTTL time.Duration `name:"default-refresh-idle-ttl" setting:"flag env file" group:"Tokens" default:"30d" help:"Lifetime of an unused refresh token of a new client without a lifetime of its own."`
	DefaultRefreshMaxTTL  time.Duration `name:"default-refresh-max-ttl" setting:"flag env file" group:"Tokens" default:"90d" help:"How long after a login a new client without a lifetime of its own may refresh."`
}

func (n *NewClients) complete(*completion) []error {
	var order error
	if n.DefaultRefreshIdleTTL > n.DefaultRefreshMaxTTL {
		order = fmt.Errorf("default-refresh-idle-ttl is %s, longer than default-refresh-max-ttl, %s: lower the one or raise the other",
			FormatDuration(n.DefaultRefreshIdleTTL), FormatDuration(n.DefaultRefreshMaxTTL))
	}
	return present(order,
		checkDuration("default-refresh-idle-ttl", n.DefaultRefreshIdleTTL, time.Second, 3650*day),
		checkDuration("default-refresh-max-ttl", n.DefaultRefreshMaxTTL, time.Second, 3650*day))
}

// Refresh has the settings for refresh tokens.
type Refresh struct {
	RefreshGrace time.Duration `name:"refresh-grace" setting:"flag env file" group:"Tokens" default:"10s" help:"How long a client that lost the answer may send the same refresh token again and get the same successor."`
}

func (r *Refresh) complete(*completion) []error {
	return present(checkDuration("refresh-grace", r.RefreshGrace, 0, 5*time.Minute))
}
