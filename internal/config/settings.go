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
	OpsListen      string        `name:"ops-listen" setting:"flag env file" group:"Server" default:"127.0.0.1:9090" help:"Address of metrics, health and profiles. Keep it off the public network."`
	Issuer         string        `name:"issuer" setting:"flag env file" group:"Server" placeholder:"URL" help:"URL that clients use for this server, and the claim iss of its tokens: https, without query and fragment. In dev it follows from listen."`
	TrustedProxy   []string      `name:"trusted-proxy" setting:"flag env file" group:"Server" placeholder:"CIDR" help:"Networks or addresses, separated by commas, of the proxies whose X-Forwarded-For or Forwarded names the address of the client. Without it the server reads neither header."`
	MaxConnections int           `name:"max-connections" setting:"flag env file" group:"Server" default:"10000" help:"Most connections to the public endpoints at once, and most requests over all of them. Further connections wait."`
	RequestQueue   int           `name:"request-queue" setting:"flag env file" group:"Server" default:"1000" help:"Most requests of one kind (a grant, introspection, revocation) that wait for their turn; one client may fill half. The server answers more with 503 or 429."`
	DrainDelay     time.Duration `name:"drain-delay" setting:"flag env file" group:"Server" default:"0s" help:"How long the server still accepts requests after a signal to stop, while /readyz says 503, so that proxies notice."`
	DrainTimeout   time.Duration `name:"drain-timeout" setting:"flag env file" group:"Server" default:"10s" help:"How long the server then finishes the requests that it has accepted."`

	TLSCertificateFile string   `name:"tls-certificate-file" setting:"flag env file" group:"TLS" placeholder:"FILE" help:"Certificate chain of this server in PEM. With it, the public endpoints speak https. The server reads a changed file by itself."`
	TLSKeyFile         string   `name:"tls-key-file" setting:"flag env file" group:"TLS" placeholder:"FILE" help:"Private key of the certificate in PEM."`
	TLSClientAuth      bool     `name:"tls-client-auth" setting:"flag env file" group:"TLS" help:"Ask clients for a certificate in TLS, so that they can authenticate with one that is registered for them. tls-client-ca-file implies it."`
	TLSClientCAFile    string   `name:"tls-client-ca-file" setting:"flag env file" group:"TLS" placeholder:"FILE" help:"Certificates in PEM of the authorities that issue certificates to clients (tls_client_auth). The server reads a changed file by itself."`
	ClientCertProxy    []string `name:"client-cert-proxy" setting:"flag env file" group:"TLS" placeholder:"ADDRESS" help:"Addresses or networks, separated by commas, of the proxies that end TLS and send the certificate of the client in Client-Cert (RFC 9440). They must remove the headers Client-Cert and Client-Cert-Chain of the client."`

	DatabaseURL      Secret `name:"database-url" setting:"flag env file" group:"Database" placeholder:"URL" help:"sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME. Outside of serve it defaults to sqlite:.authserver/authserver.db."`
	DatabaseURLFile  string `name:"database-url-file" setting:"flag env file" group:"Database" placeholder:"FILE" help:"File that contains the database URL, instead of database-url."`
	DatabaseMaxConns int    `name:"database-max-conns" setting:"flag env file" group:"Database" default:"10" help:"Most connections to PostgreSQL of one server."`
	NoMigrate        bool   `name:"no-migrate" setting:"flag env file" group:"Database" help:"Do not migrate the schema when serve starts. authserver migrate up does it instead."`

	// MasterKey has no flag, which every user of the machine could read, and no key
	// in the file, which is too often committed.
	MasterKey             Secret        `kong:"-" name:"master-key" setting:"env" group:"Keys" help:"Key that seals all other keys: 32 bytes in base64. authserver key generate-master prints one."`
	MasterKeyFile         string        `name:"master-key-file" setting:"flag env file" group:"Keys" placeholder:"FILE" help:"File that contains the master key, instead of AUTHSERVER_MASTER_KEY. dev makes it: .authserver/master.key."`
	MasterKeyURL          string        `name:"master-key-url" setting:"flag env file" group:"Keys" placeholder:"URL" help:"Key of a key management service that is the master key, instead of master-key-file: hashivault://NAME, awskms://…, gcpkms://… or azurekeyvault://…."`
	PKCS11Module          string        `name:"pkcs11-module" setting:"flag env file" group:"Keys" placeholder:"FILE" help:"Library of a PKCS #11 token that makes and keeps new signing keys. Commands that make keys need it too. Needs a build with the tag pkcs11."`
	PKCS11Token           string        `name:"pkcs11-token" setting:"flag env file" group:"Keys" placeholder:"LABEL" help:"Label of the token."`
	PKCS11PINFile         string        `name:"pkcs11-pin-file" setting:"flag env file" group:"Keys" placeholder:"FILE" help:"File that contains the PIN of the token."`
	KeyRotationInterval   time.Duration `name:"key-rotation-interval" setting:"flag env file" group:"Keys" default:"30d" help:"How long a key signs before the next one takes over."`
	JWKSMaxAge            time.Duration `name:"jwks-max-age" setting:"flag env file" group:"Keys" default:"5m" help:"How long verifiers may cache the JWKS, and a tenth more while they fetch it again. The server publishes a new key for longer than both before the key signs."`
	KeyPollInterval       time.Duration `name:"key-poll-interval" setting:"flag env file" group:"Keys" default:"30s" help:"How often a server checks for changed keys, in addition to notifications."`
	ClockSkew             time.Duration `name:"clock-skew" setting:"flag env file" group:"Keys" default:"1m" help:"How far the clocks of servers, and of the issuers of assertions, may differ."`
	DefaultAccessTokenTTL time.Duration `name:"default-access-token-ttl" setting:"flag env file" group:"Tokens" default:"15m" help:"Lifetime of the access tokens of a new resource without a lifetime of its own."`
	MaxAccessTokenTTL     time.Duration `name:"max-access-token-ttl" setting:"flag env file" group:"Tokens" default:"24h" help:"Longest lifetime that a resource may have. Retired keys stay published for as long."`
	DefaultRefreshIdleTTL time.Duration `name:"default-refresh-idle-ttl" setting:"flag env file" group:"Tokens" default:"30d" help:"Lifetime of an unused refresh token of a new client without a lifetime of its own."`
	DefaultRefreshMaxTTL  time.Duration `name:"default-refresh-max-ttl" setting:"flag env file" group:"Tokens" default:"90d" help:"How long after a login a new client without a lifetime of its own may refresh."`
	RefreshGrace          time.Duration `name:"refresh-grace" setting:"flag env file" group:"Tokens" default:"10s" help:"How long a client that lost the answer may send the same refresh token again and get the same successor."`
	SessionIdleTTL        time.Duration `name:"session-idle-ttl" setting:"flag env file" group:"Tokens" default:"24h" help:"How long a person who signed in with a browser stays signed in without using it."`
	SessionMaxTTL         time.Duration `name:"session-max-ttl" setting:"flag env file" group:"Tokens" default:"30d" help:"How long after a sign-in a person has to sign in again at the latest."`
	AssertionMaxLifetime  time.Duration `name:"assertion-max-lifetime" setting:"flag env file" group:"Tokens" default:"1h" help:"Longest lifetime of the assertions of a new issuer without a limit of its own."`
	DPoPNonce             bool          `name:"dpop-nonce" setting:"flag env file" group:"Trust" help:"Require a nonce of this server in proofs of possession (DPoP). Each answer of the token endpoint has one."`
	DPoPAlg               []string      `name:"dpop-alg" setting:"flag env file" group:"Trust" placeholder:"ALG" help:"Algorithms that proofs of possession (DPoP) may be signed with, separated by commas; without it all that the server knows. FAPI 2.0 wants PS256,ES256,EdDSA."`
	ClientAssertionAlg    []string      `name:"client-assertion-alg" setting:"flag env file" group:"Trust" placeholder:"ALG" help:"Algorithms that clients may sign their assertions with, separated by commas; without it all that the server knows. FAPI 2.0 wants PS256,ES256,EdDSA. client create --assertion-alg limits one client further."`
	FetchAllowHost        []string      `name:"fetch-allow-host" setting:"flag env file" group:"Trust" placeholder:"HOST" help:"Hosts without public addresses, separated by commas, from which the server may fetch the key sets of issuers and clients."`
	FetchCAFile           string        `name:"fetch-ca-file" setting:"flag env file" group:"Trust" placeholder:"FILE" help:"Certificates in PEM of authorities to trust for these fetches, in addition to the system's. Read again on SIGHUP."`

	Pages

	BcryptCost      int           `name:"bcrypt-cost" setting:"flag env file" group:"Passwords" default:"12" help:"Cost of bcrypt, from 4 to 16: each step doubles the time. Less than 10 is for tests."`
	PasswordWorkers int           `name:"password-workers" setting:"flag env file" group:"Passwords" default:"0" help:"Password comparisons at once. 0 means one for each processor; of three and more processors one is left for other requests."`
	PasswordQueue   int           `name:"password-queue" setting:"flag env file" group:"Passwords" default:"64" help:"Most logins by password that wait; one client may fill half. The server answers more with 503 or 429."`
	AuditRetention  time.Duration `name:"audit-retention" setting:"flag env file" group:"Logging" default:"90d" help:"How long the server keeps the events of the audit. 0s keeps them forever."`
	LogLevel        slog.Level    `name:"log-level" setting:"flag env file" group:"Logging" default:"info" help:"Lowest level to log: debug, info, warn or error."`
	LogFormat       string        `name:"log-format" setting:"flag env file" group:"Logging" default:"json" help:"Format of the log: json or text."`

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
