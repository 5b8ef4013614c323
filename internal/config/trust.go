package config

import "time"

// Assertions bounds the assertions of issuers and clients.
type Assertions struct {
	AssertionMaxLifetime time.Duration `name:"assertion-max-lifetime" setting:"flag env file" group:"Tokens" default:"1h" help:"Longest lifetime of the assertions of a new issuer without a limit of its own."`
}

func (a *Assertions) complete(*completion) []error {
	return present(checkDuration("assertion-max-lifetime", a.AssertionMaxLifetime, time.Second, day))
}

// ClientAssertions are the signature algorithms of clients. The room that knows the algorithms
// checks them.
type ClientAssertions struct {
	ClientAssertionAlg []string `name:"client-assertion-alg" setting:"flag env file" group:"Trust" placeholder:"ALG" help:"Algorithms that clients may sign their assertions with, separated by commas. The default is all that the server knows. FAPI 2.0 wants PS256,ES256,EdDSA. client create --assertion-alg limits one client further."`
}

func (*ClientAssertions) complete(*completion) []error { return nil }

// DPoP has the settings for proofs of possession (RFC 9449).
type DPoP struct {
	DPoPNonce bool     `name:"dpop-nonce" setting:"flag env file" group:"Trust" help:"Require a nonce of this server in proofs of possession (DPoP). Each answer of the token endpoint has one."`
	DPoPAlg   []string `name:"dpop-alg" setting:"flag env file" group:"Trust" placeholder:"ALG" help:"Algorithms that proofs of possession (DPoP) may be signed with, separated by commas. The default is all that the server knows. FAPI 2.0 wants PS256,ES256,EdDSA."`
}

func (*DPoP) complete(*completion) []error { return nil }

// Fetch bounds the addresses from which the server may fetch key sets. The room that opens the file
// checks it.
type Fetch struct {
	FetchAllowHost []string `name:"fetch-allow-host" setting:"flag env file" group:"Trust" placeholder:"HOST" help:"Hosts without public addresses, separated by commas, from which the server may fetch the key sets of issuers and clients, and to which it may send logout tokens."`
	FetchCAFile    string   `name:"fetch-ca-file" setting:"flag env file" group:"Trust" placeholder:"FILE" help:"Certificates in PEM of authorities to trust for these fetches, in addition to the system's. Read again on SIGHUP."`
}

func (*Fetch) complete(*completion) []error { return nil }
