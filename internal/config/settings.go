package config

import (
	"log/slog"
	"time"
)

// Settings are all that can be set. Each field is the flag --NAME, the
// environment variable AUTHSERVER_NAME and the key NAME of the YAML file, as far
// as its tag "setting" allows. A command embeds the whole struct.
type Settings struct {
	Config string `name:"config" setting:"flag env" group:"Settings file" placeholder:"FILE" help:"YAML file with settings."`

	Listen         string        `name:"listen" setting:"flag env file" group:"Server" default:"127.0.0.1:8080" help:"Address of the public endpoints."`
	OpsListen      string        `name:"ops-listen" setting:"flag env file" group:"Server" default:"127.0.0.1:9090" help:"Address of metrics, health and profiles: not for the public."`
	Issuer         string        `name:"issuer" setting:"flag env file" group:"Server" placeholder:"URL" help:"URL by which clients know this server, the claim iss: https, without query and fragment. In dev it follows from listen."`
	MaxConnections int           `name:"max-connections" setting:"flag env file" group:"Server" default:"10000" help:"Connections to the public endpoints at once. More wait to be accepted."`
	RequestQueue   int           `name:"request-queue" setting:"flag env file" group:"Server" default:"1000" help:"Requests of one kind, which is a grant, introspection or revocation, that may wait for their turn, and half of them of one client. More are answered with 503 or 429."`
	DrainTimeout   time.Duration `name:"drain-timeout" setting:"flag env file" group:"Server" default:"10s" help:"How long requests may go on after a signal to stop."`

	TLSCertificateFile string   `name:"tls-certificate-file" setting:"flag env file" group:"TLS" placeholder:"FILE" help:"Certificate chain of this server in PEM: the public endpoints are served by https then. Read again when it changes."`
	TLSKeyFile         string   `name:"tls-key-file" setting:"flag env file" group:"TLS" placeholder:"FILE" help:"Private key of that certificate in PEM."`
	TLSClientAuth      bool     `name:"tls-client-auth" setting:"flag env file" group:"TLS" help:"Ask clients for a certificate in TLS, so that they can prove themselves by one that is registered for them. tls-client-ca-file implies it."`
	TLSClientCAFile    string   `name:"tls-client-ca-file" setting:"flag env file" group:"TLS" placeholder:"FILE" help:"Certificates in PEM of the authorities whose certificates clients may prove themselves by (tls_client_auth). Read again when it changes."`
	ClientCertProxy    []string `name:"client-cert-proxy" setting:"flag env file" group:"TLS" placeholder:"ADDRESS" help:"Addresses or networks of the proxies that end TLS and say in Client-Cert which certificate a client presented (RFC 9440), separated by commas. They have to remove what a client sends as Client-Cert and Client-Cert-Chain."`

	DatabaseURL      Secret `name:"database-url" setting:"flag env file" group:"Database" placeholder:"URL" help:"sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME. Outside of serve it defaults to sqlite:.authserver/authserver.db."`
	DatabaseURLFile  string `name:"database-url-file" setting:"flag env file" group:"Database" placeholder:"FILE" help:"File that holds the database URL, in place of database-url."`
	DatabaseMaxConns int    `name:"database-max-conns" setting:"flag env file" group:"Database" default:"10" help:"Connections to PostgreSQL that one server opens."`
	NoMigrate        bool   `name:"no-migrate" setting:"flag env file" group:"Database" help:"Leave the schema as it is when serve starts: authserver migrate up brings it up to date."`

	// MasterKey has no flag, which every user of the machine could read, and no key
	// in the file, which is too often committed.
	MasterKey             Secret        `kong:"-" name:"master-key" setting:"env" group:"Keys" help:"Key that seals all other keys: 32 bytes in base64. authserver key generate-master prints one."`
	MasterKeyFile         string        `name:"master-key-file" setting:"flag env file" group:"Keys" placeholder:"FILE" help:"File that holds the master key, in place of AUTHSERVER_MASTER_KEY. In dev it is made: .authserver/master.key."`
	MasterKeyURL          string        `name:"master-key-url" setting:"flag env file" group:"Keys" placeholder:"URL" help:"Key of a key management service that is the master key, in place of master-key-file: hashivault://NAME, awskms://…, gcpkms://… or azurekeyvault://…."`
	PKCS11Module          string        `name:"pkcs11-module" setting:"flag env file" group:"Keys" placeholder:"FILE" help:"Library of a PKCS #11 token. New signing keys are made there, and never leave it. Give commands that make keys the same. Needs a build with the tag pkcs11."`
	PKCS11Token           string        `name:"pkcs11-token" setting:"flag env file" group:"Keys" placeholder:"LABEL" help:"Label of that token."`
	PKCS11PINFile         string        `name:"pkcs11-pin-file" setting:"flag env file" group:"Keys" placeholder:"FILE" help:"File that holds the PIN of that token."`
	KeyRotationInterval   time.Duration `name:"key-rotation-interval" setting:"flag env file" group:"Keys" default:"30d" help:"How long a signing key signs before the next one takes over."`
	JWKSMaxAge            time.Duration `name:"jwks-max-age" setting:"flag env file" group:"Keys" default:"5m" help:"How long verifiers may cache the JWKS, and a tenth more while they fetch it again. A new key is published for longer than both before it signs."`
	KeyPollInterval       time.Duration `name:"key-poll-interval" setting:"flag env file" group:"Keys" default:"30s" help:"How often a server looks for changed keys when it was not told of any."`
	ClockSkew             time.Duration `name:"clock-skew" setting:"flag env file" group:"Keys" default:"1m" help:"How far clocks may be apart: of the servers, and of those who issue assertions."`
	DefaultAccessTokenTTL time.Duration `name:"default-access-token-ttl" setting:"flag env file" group:"Tokens" default:"15m" help:"Lifetime of the access tokens of a resource that is created without one."`
	MaxAccessTokenTTL     time.Duration `name:"max-access-token-ttl" setting:"flag env file" group:"Tokens" default:"24h" help:"Longest lifetime that a resource may be given. Retired keys stay published for as long."`
	DefaultRefreshIdleTTL time.Duration `name:"default-refresh-idle-ttl" setting:"flag env file" group:"Tokens" default:"30d" help:"Lifetime of an unused refresh token, of a client that is created without one."`
	DefaultRefreshMaxTTL  time.Duration `name:"default-refresh-max-ttl" setting:"flag env file" group:"Tokens" default:"90d" help:"Time after a login at which refreshing ends, of a client that is created without one."`
	RefreshGrace          time.Duration `name:"refresh-grace" setting:"flag env file" group:"Tokens" default:"10s" help:"How long a refresh token that was exchanged may be retried with the same answer, for clients that lost it."`
	AssertionMaxLifetime  time.Duration `name:"assertion-max-lifetime" setting:"flag env file" group:"Tokens" default:"1h" help:"Longest lifetime of an assertion, of an issuer that is created without one."`
	DPoPNonce             bool          `name:"dpop-nonce" setting:"flag env file" group:"Trust" help:"Want proofs of possession (DPoP) to hold a nonce of this server's, which it gives out with each answer of the token endpoint."`
	FetchAllowHost        []string      `name:"fetch-allow-host" setting:"flag env file" group:"Trust" placeholder:"HOST" help:"Hosts with addresses that are not public from which the key sets of issuers and clients may be fetched, separated by commas."`
	FetchCAFile           string        `name:"fetch-ca-file" setting:"flag env file" group:"Trust" placeholder:"FILE" help:"Certificates in PEM of authorities that are trusted for that, beside the system's. Read again on SIGHUP."`

	BcryptCost      int        `name:"bcrypt-cost" setting:"flag env file" group:"Passwords" default:"12" help:"Cost of bcrypt, from 4 to 16: each step doubles the time. Less than 10 is for tests."`
	PasswordWorkers int        `name:"password-workers" setting:"flag env file" group:"Passwords" default:"0" help:"Logins by password that are worked on at once. 0 is one for each processor."`
	PasswordQueue   int        `name:"password-queue" setting:"flag env file" group:"Passwords" default:"64" help:"Logins by password that may wait, and half of them of one client. More are answered with 503 or 429."`
	LogLevel        slog.Level `name:"log-level" setting:"flag env file" group:"Logging" default:"info" help:"Least level that is logged: debug, info, warn or error."`
	LogFormat       string     `name:"log-format" setting:"flag env file" group:"Logging" default:"json" help:"Format of the log: json or text."`

	// PKCS11PIN is what the file held, after Complete.
	PKCS11PIN Secret `kong:"-"`
}

// Mode says what the settings are for.
type Mode int

// The modes.
const (
	// Serve is production: nothing that matters has a default.
	Serve Mode = iota
	// Dev serves out of the directory .authserver, with plain http.
	Dev
	// Command works on a database and does not serve. What is missing is left
	// empty, and without a database URL it works on what dev made.
	Command
)

// What dev uses, and commands that are not told otherwise.
const (
	devDatabaseURL   = "sqlite:.authserver/authserver.db"
	devMasterKeyFile = ".authserver/master.key"
)
