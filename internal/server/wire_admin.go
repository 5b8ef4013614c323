package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"

	"gocloud.dev/secrets"

	"authserver/internal/admin"
	"authserver/internal/config"
	"authserver/internal/keys"
	"authserver/internal/passwords"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// wireAdmin makes what an administrator may do, noun by noun.
func wireAdmin(st store.Store, ring *keyring, s config.Server) (*admin.Admin, error) {
	silent := slog.New(slog.DiscardHandler)
	hasher, err := passwords.New(passwords.Options{Cost: s.BcryptCost})
	if err != nil {
		return nil, fmt.Errorf("set up password hashing: %w", err)
	}
	remote, _, err := openRemoteKeys(s, silent)
	if err != nil {
		return nil, err
	}
	limits, err := newAlgorithms(s)
	if err != nil {
		return nil, err
	}
	common := &admin.Common{Self: s.Issuer, Limits: adminLimits(limits, s), Now: time.Now, Rand: rand.Reader}
	targets, users := admin.Targets{Self: s.Issuer, Resources: st}, admin.UserFinder{Store: st}
	revoker := newRevoker(st, &tokens.View{Store: st, Now: time.Now}, s, silent)
	families := &admin.Families{
		Common: common, Store: st, Users: users, Clients: st, Revoker: revoker, Signing: ring.signing, Refresh: ring.refresh,
	}
	return &admin.Admin{
		Clients: &admin.Clients{
			Common: common, Store: st, Users: st, Issuers: st, Targets: targets, Sealer: ring.sealer, Passwords: hasher, Revoker: revoker,
			LocalHTTP: overHTTP(s), TakesCertificates: s.TakesCertificates(), TrustsAuthorities: s.TLSClientCAFile != "",
		},
		Users:     &admin.Users{Common: common, UserFinder: users, Rows: st, Passwords: hasher, Revoker: revoker},
		Resources: &admin.Resources{Common: common, Store: st, Keys: ring.signing},
		Issuers: &admin.Issuers{
			Common: common, Store: st, Siblings: st, Clients: st, Targets: targets, Sealer: ring.sealer, LocalHTTP: overHTTP(s),
		},
		Families:   families,
		Audit:      &admin.Audit{Store: st, Users: users, Now: time.Now},
		Keys:       &admin.Keys{Signing: ring.signing, Refresh: ring.refresh, Now: time.Now},
		MasterKeys: &admin.MasterKeys{Common: common, Store: st, Sealer: ring.sealer, Servers: ring.signing, Open: masterOpener(s)},
		Tokens: &admin.Inspector{
			Common: common, Audiences: audiences(s.Issuer), Families: families, Issuers: st, Clients: st, Users: st, Names: st,
			Assertions: st, Resources: st, Revocations: st, Signing: ring.signing, Refresh: ring.refresh, Sealer: ring.sealer, Remote: remote,
		},
	}, nil
}

// adminLimits are the settings that registrations follow.
func adminLimits(a algorithms, s config.Server) admin.Limits {
	return admin.Limits{
		AccessTokenTTL:    s.DefaultAccessTokenTTL,
		MaxAccessTokenTTL: s.MaxAccessTokenTTL,
		SigningAlg:        keys.RS256,
		RefreshIdleTTL:    s.DefaultRefreshIdleTTL,
		RefreshMaxTTL:     s.DefaultRefreshMaxTTL,
		RefreshGrace:      s.RefreshGrace,
		AssertionLifetime: s.AssertionMaxLifetime,
		AssertionAlgs:     a.assertions,
		ClockSkew:         s.ClockSkew,
	}
}

// masterOpener opens another master key than the one that is set.
func masterOpener(s config.Server) func(context.Context, admin.MasterKey) (*secrets.Keeper, string, error) {
	return func(ctx context.Context, to admin.MasterKey) (*secrets.Keeper, string, error) {
		target := s
		target.MasterKey, target.MasterKeyURL = config.NewSecret(to.Key), to.URL
		return openMaster(ctx, target)
	}
}
