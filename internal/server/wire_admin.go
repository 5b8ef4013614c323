package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"authserver/internal/admin"
	"authserver/internal/config"
	"authserver/internal/keys"
	"authserver/internal/keys/sealing"
	"authserver/internal/passwords"
	"authserver/internal/store"
	"authserver/internal/tokens"
	"authserver/internal/trust/remotekeys"
)

// wireAdmin makes the operations of an administrator, noun by noun.
func wireAdmin(st store.Store, ring *keyring, s AdminSettings) (*admin.Admin, error) {
	silent := slog.New(slog.DiscardHandler)
	hasher, remote, err := openAdminParts(s, silent)
	if err != nil {
		return nil, err
	}
	limits, err := newAlgorithms(s.ClientAssertions, config.DPoP{})
	if err != nil {
		return nil, settingsError(err)
	}
	self, localHTTP := s.Identity.Issuer, overHTTP(s.Identity)
	var documents admin.Documents
	if remote != nil {
		documents = remote.Fetcher
	}
	common := &admin.Common{Self: self, Limits: adminLimits(limits, s), Now: time.Now, Rand: rand.Reader}
	targets, users := admin.Targets{Self: self, Resources: st}, admin.UserFinder{Store: st}
	revoker := newRevoker(st, &tokens.View{Store: st, Now: time.Now}, s.Clocks, silent)
	families := &admin.Families{
		Common: common, Store: st, Users: users, Clients: st, Revoker: revoker, Signing: ring.signing, Refresh: ring.refresh,
	}
	return &admin.Admin{
		Clients: &admin.Clients{
			Common: common, Store: st, Targets: targets, Sealer: ring.sealer, Passwords: hasher, Revoker: revoker,
			Documents: documents, Keys: ring.signing, LocalHTTP: localHTTP, TakesCertificates: s.TLS.TakesCertificates(), TrustsAuthorities: s.TLS.TLSClientCAFile != "",
		},
		Users:     &admin.Users{Common: common, UserFinder: users, Rows: st, Attempts: st, Passwords: hasher, Policy: newPolicy(s.NewPasswords), Revoker: revoker},
		Resources: &admin.Resources{Common: common, Store: st, Keys: ring.signing},
		Issuers: &admin.Issuers{
			Common: common, Store: st, Siblings: st, Clients: st, Targets: targets, Sealer: ring.sealer, LocalHTTP: localHTTP,
		},
		Families:   families,
		Sessions:   &admin.Sessions{Common: common, Store: st, Users: users, Revoker: revoker},
		Deliveries: &admin.Deliveries{Store: st},
		Consents:   &admin.Consents{Store: st, Users: users, Clients: st, Revoker: revoker},
		Audit:      &admin.Audit{Store: st, Users: users, Clients: st, Now: time.Now},
		Keys:       &admin.Keys{Signing: ring.signing, Refresh: ring.refresh, Now: time.Now},
		MasterKeys: &admin.MasterKeys{Common: common, Store: st, Sealer: ring.sealer, Servers: ring.signing, Open: openOtherMaster},
		Tokens: &admin.Inspector{
			Common: common, Audiences: audiences(self), Families: families, Issuers: st, Clients: st, Users: st, Names: st,
			Assertions: st, Resources: st, Revocations: st, Signing: ring.signing, Subjects: ring.subject, Refresh: ring.refresh, Sealer: ring.sealer, Remote: remote,
		},
	}, nil
}

// commandHashWait is how long a hash of a command waits for others. It waits only for other hashes
// of the same command, so it is not refused under load like a login.
const commandHashWait = time.Hour

// openAdminParts makes the slow parts, if the command has their settings.
func openAdminParts(s AdminSettings, logger *slog.Logger) (hasher *passwords.Hasher, remote *remotekeys.Sets, err error) {
	if s.Passwords != nil {
		hasher, err = passwords.New(passwords.Options{
			Cost: s.Passwords.BcryptCost, Workers: runtime.GOMAXPROCS(0), Wait: commandHashWait, Rand: rand.Reader,
		})
		if err != nil {
			return nil, nil, fmt.Errorf("set up password hashing: %w", err)
		}
	}
	if s.Fetch != nil {
		if remote, _, err = openRemoteKeys(*s.Fetch, overHTTP(s.Identity), logger); err != nil {
			return nil, nil, err
		}
	}
	return hasher, remote, nil
}

// newPolicy makes the rules for new passwords.
func newPolicy(s config.NewPasswords) passwords.Policy {
	return passwords.Policy{MinCharacters: s.PasswordMinLength}
}

// adminLimits are the settings that registrations follow.
func adminLimits(a algorithms, s AdminSettings) admin.Limits {
	return admin.Limits{
		AccessTokenTTL:    s.NewResources.DefaultAccessTokenTTL,
		MaxAccessTokenTTL: s.AccessTokens.MaxAccessTokenTTL,
		SigningAlg:        keys.RS256,
		RefreshIdleTTL:    s.NewClients.DefaultRefreshIdleTTL,
		RefreshMaxTTL:     s.NewClients.DefaultRefreshMaxTTL,
		RefreshGrace:      s.Refresh.RefreshGrace,
		AssertionLifetime: s.Assertions.AssertionMaxLifetime,
		AssertionAlgs:     a.assertions,
		ClockSkew:         s.Clocks.ClockSkew,
	}
}

// openOtherMaster opens another master key than the configured one.
func openOtherMaster(ctx context.Context, to admin.MasterKey) (sealing.Keeper, string, error) {
	return openMaster(ctx, config.Sealing{MasterKey: config.NewSecret(to.Key), MasterKeyURL: to.URL})
}
