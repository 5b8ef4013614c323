package main

import (
	"authserver/internal/config"
	"authserver/internal/server"
)

// ClientSettings are read to change a client.
type ClientSettings struct {
	Database
	config.Identity
	config.TLS
	config.ClientAssertions
	config.Clocks
	config.Fetch
}

func (c *ClientSettings) settings() server.AdminSettings {
	s := c.Database.settings()
	s.Identity, s.TLS, s.ClientAssertions, s.Clocks, s.Fetch = c.Identity, c.TLS, c.ClientAssertions, c.Clocks, &c.Fetch
	return s
}

// NewClientSettings are read to register a client.
type NewClientSettings struct {
	ClientSettings
	config.Sealing
	config.Passwords
	config.NewClients
}

func (c *NewClientSettings) settings() server.AdminSettings {
	s := c.ClientSettings.settings()
	s.Sealing, s.Passwords, s.NewClients = &c.Sealing, &c.Passwords, c.NewClients
	return s
}

// ClientSecretSettings are read to give a client a secret.
type ClientSecretSettings struct {
	Database
	config.Sealing
	config.Passwords
}

func (c *ClientSecretSettings) settings() server.AdminSettings {
	s := c.Database.settings()
	s.Sealing, s.Passwords = &c.Sealing, &c.Passwords
	return s
}

// UserSettings are read to set a password.
type UserSettings struct {
	Database
	config.Passwords
	config.NewPasswords
}

func (u *UserSettings) settings() server.AdminSettings {
	s := u.Database.settings()
	s.Passwords, s.NewPasswords = &u.Passwords, u.NewPasswords
	return s
}

// ResourceSettings are read to change a resource.
type ResourceSettings struct {
	Database
	config.Identity
	config.AccessTokens
}

func (r *ResourceSettings) settings() server.AdminSettings {
	s := r.Database.settings()
	s.Identity, s.AccessTokens = r.Identity, r.AccessTokens
	return s
}

// NewResourceSettings are read to register a resource.
type NewResourceSettings struct {
	ResourceSettings
	config.NewResources
}

func (r *NewResourceSettings) settings() server.AdminSettings {
	s := r.ResourceSettings.settings()
	s.NewResources = r.NewResources
	return s
}

// IssuerSettings are read to change an issuer.
type IssuerSettings struct {
	Database
	config.Identity
	config.Sealing
}

func (i *IssuerSettings) settings() server.AdminSettings {
	s := i.Database.settings()
	s.Identity, s.Sealing = i.Identity, &i.Sealing
	return s
}

// NewIssuerSettings are read to trust an issuer.
type NewIssuerSettings struct {
	IssuerSettings
	config.Assertions
}

func (i *NewIssuerSettings) settings() server.AdminSettings {
	s := i.IssuerSettings.settings()
	s.Assertions = i.Assertions
	return s
}

// FamilySettings are read to tell whether a family or a session is over.
type FamilySettings struct {
	Database
	config.Clocks
}

func (f *FamilySettings) settings() server.AdminSettings {
	s := f.Database.settings()
	s.Clocks = f.Clocks
	return s
}

// FamilyTokenSettings are read to find the family of a token.
type FamilyTokenSettings struct {
	FamilySettings
	config.Identity
	config.Sealing
	config.PKCS11
}

func (f *FamilyTokenSettings) settings() server.AdminSettings {
	s := f.FamilySettings.settings()
	s.Identity, s.Sealing, s.PKCS11 = f.Identity, &f.Sealing, f.PKCS11
	return s
}

// TokenSettings are read to tell why a token is good or bad.
type TokenSettings struct {
	FamilyTokenSettings
	config.Refresh
	config.Assertions
	config.ClientAssertions
	config.Fetch
}

func (t *TokenSettings) settings() server.AdminSettings {
	s := t.FamilyTokenSettings.settings()
	s.Refresh, s.Assertions, s.ClientAssertions, s.Fetch = t.Refresh, t.Assertions, t.ClientAssertions, &t.Fetch
	return s
}

// KeyPlanSettings are read to plan the signing keys.
type KeyPlanSettings struct {
	Database
	config.Timeline
	config.Clocks
	config.AccessTokens
}

func (k *KeyPlanSettings) settings() server.AdminSettings {
	s := k.Database.settings()
	s.Timeline, s.Clocks, s.AccessTokens = &k.Timeline, k.Clocks, k.AccessTokens
	return s
}

// SealedKeySettings are read to change keys that are sealed.
type SealedKeySettings struct {
	KeyPlanSettings
	config.Sealing
}

func (k *SealedKeySettings) settings() server.AdminSettings {
	s := k.KeyPlanSettings.settings()
	s.Sealing = &k.Sealing
	return s
}

// SigningKeySettings are read to change signing keys, which may be in a token.
type SigningKeySettings struct {
	SealedKeySettings
	config.PKCS11
}

func (k *SigningKeySettings) settings() server.AdminSettings {
	s := k.SealedKeySettings.settings()
	s.PKCS11 = k.PKCS11
	return s
}

// OpenedKeySettings are read to look at a signing key.
type OpenedKeySettings struct {
	Database
	config.Sealing
	config.PKCS11
}

func (k *OpenedKeySettings) settings() server.AdminSettings {
	s := k.Database.settings()
	s.Sealing, s.PKCS11 = &k.Sealing, k.PKCS11
	return s
}
