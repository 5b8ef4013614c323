package config

// Server is every setting there is: serve and dev read them all. Another command embeds
// the groups that it reads.
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
