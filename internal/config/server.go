package config

// Server has all settings: serve and dev read them. Other commands embed the groups that they read.
type Server struct {
	File
	Identity
	Ops
	Proxies
	Load
	Drain
	TLS
	Database
	Schema
	Sealing
	PKCS11
	Timeline
	Clocks
	AccessTokens
	NewResources
	NewClients
	Refresh
	Sessions
	Assertions
	ClientAssertions
	DPoP
	Fetch
	Pages
	Passwords
	NewPasswords
	Logins
	Audit
	Log
}
