package assertions

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"authserver/internal/jose"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/trust/remotekeys"
)

// Registration is what a signer of assertions, a trusted issuer or a client, is
// registered with.
type Registration struct {
	Iss          string // the claim "iss"
	Uses         string // whose its assertions are, among what is good once ([store.Use])
	Keys         Keys
	Algorithms   []string // the "alg" values that it may use (RFC 8725 §3.1)
	SubjectClaim string   // the path of the claim that names the subject; see [CheckPath]
	MaxLifetime  time.Duration
	Skew         time.Duration        // by which its clock may differ; 0: as [Verifier] has it
	Required     []string             // paths of claims that have to be there
	Patterns     []store.ClaimPattern // one has to match; nil: every assertion does
	Mapping      map[string]string    // names of claims that are handed on, to their paths
	// Audiences are the names of this server of which the assertion has to have one or
	// more, and no other.
	Audiences []string
	// PlainAudience wants the audience to be a string, and no array of one (FAPI 2.0
	// §5.3.2.1, item 8).
	PlainAudience bool
	// EncryptionAlg is how its assertions are encrypted to this server; "": not at all.
	EncryptionAlg string
}

// CheckEncryption requires encryption as registered. Otherwise an attacker could send a
// signed assertion that was seen on its way. alg is the algorithm of the encryption; "":
// the assertion was not encrypted.
func (r Registration) CheckEncryption(alg string) error {
	switch {
	case r.EncryptionAlg == alg:
		return nil
	case r.EncryptionAlg == "":
		return errors.New("it is encrypted, which its issuer is not registered for: send the signed JWT itself")
	}
	return errors.New("its issuer is registered for assertions that are encrypted with " + r.EncryptionAlg +
		": encrypt the signed JWT to the key with use enc in the JWKS, with cty JWT")
}

// Keys is where the keys of a registration come from. A client may have both a key set
// and certificates.
type Keys struct {
	JWKS         json.RawMessage   // a JWK Set of public keys
	Remote       remotekeys.Source // where a JWK Set is fetched from
	Certificates [][]byte          // DER; chosen by x5t or x5t#S256
	Authorities  [][]byte          // DER; each of Certificates has to chain to one; nil: they are trusted as they are
	Secrets      []Secret          // shared
}

// Secret is a shared secret, sealed for the row As.
type Secret struct {
	Sealed []byte
	As     string
}

// OfIssuer is the registration of a trusted issuer (RFC 7523 §2.1). Its assertions may
// address this server by any of the audiences, and by those that it is registered with.
func OfIssuer(i store.Issuer, audiences []string) Registration {
	r := Registration{
		Iss: i.Iss, Uses: store.SealedAs("issuers", i.ID), Algorithms: i.Algorithms, SubjectClaim: i.SubjectClaim, MaxLifetime: i.MaxLifetime,
		Audiences: slices.Concat(audiences, i.Audiences), EncryptionAlg: i.EncryptionAlg,
		Skew: i.ClockSkew, Required: i.RequiredClaims, Patterns: i.Patterns, Mapping: i.ClaimMapping,
		Keys: Keys{
			JWKS: i.JWKS, Remote: remotekeys.Source{JWKSURI: i.JWKSURI}, Certificates: i.Certificates, Authorities: i.CACertificates,
		},
	}
	if i.Discovery {
		r.Keys.Remote.Issuer = i.Iss
	}
	if len(i.SealedSecret) > 0 {
		r.Keys.Secrets = []Secret{{i.SealedSecret, store.SealedAs("issuers", i.ID)}}
	}
	return r
}

// ClientRules are what this server wants of the assertions of all clients.
type ClientRules struct {
	Algorithms  []string // that they may be signed with; nil: every one that is known
	MaxLifetime time.Duration
}

// OfClient is the registration of a client that signs for itself, with an algorithm of
// the kind that is given: a private key, with the algorithms that fit it, or those of
// its secrets that are good at the moment and are kept as keys. It is false where the
// client is not registered for the method that such a signature is: keys on file that
// are there for its certificates, or for a method that was taken away, sign nothing.
//
// Of the algorithms those count that the server takes, the client is registered for and
// its profile allows, and of its keys those that have no other "alg". The first of the
// audiences is the issuer identifier, which FAPI 2.0 wants alone.
func OfClient(c store.Client, alg string, now time.Time, rules ClientRules, audiences []string) (Registration, bool) {
	if !slices.Contains(c.AuthMethods, Method(alg)) {
		return Registration{}, false
	}
	known := KeyAlgorithms()
	if Symmetric(alg) {
		known = SecretAlgorithms()
	}
	r := Registration{
		Iss: c.ID, Uses: store.SealedAs("clients", c.ID), SubjectClaim: "sub", MaxLifetime: rules.MaxLifetime, Audiences: audiences,
		Algorithms: jose.Common(known, rules.Algorithms, c.AssertionAlgs, c.Profile.Algorithms()),
	}
	if c.Profile == store.ProfileFAPI2 {
		r.Audiences, r.PlainAudience = audiences[:1], true
	}
	r.Keys = keysOf(c, alg, now)
	return r, true
}

// keysOf are the keys of a client for an algorithm: its public keys, or those of its secrets
// that are good at the moment and are kept as keys.
func keysOf(c store.Client, alg string, now time.Time) Keys {
	if !Symmetric(alg) {
		return Keys{JWKS: c.JWKS, Remote: remotekeys.Source{JWKSURI: c.JWKSURI}, Certificates: c.Certificates}
	}
	var keys Keys
	for _, s := range c.Secrets {
		if s.Kind == store.SecretSealed && s.Live(now) {
			keys.Secrets = append(keys.Secrets, Secret{s.Hash, store.SealedAs("clients", c.ID+"/"+s.ID)})
		}
	}
	return keys
}

// Method is how a client proves itself that signs with an algorithm (OpenID Connect
// Core §9).
func Method(alg string) oauth.AuthMethod {
	if Symmetric(alg) {
		return oauth.AuthSecretJWT
	}
	return oauth.AuthPrivateKeyJWT
}

// Symmetric reports whether an algorithm is one of a shared secret.
func Symmetric(alg string) bool { return strings.HasPrefix(alg, "HS") }

// KeyAlgorithms returns the algorithms of assertions that are signed with a private
// key.
func KeyAlgorithms() []string { return jose.Algorithms() }

// SecretAlgorithms returns the algorithms of assertions under a shared secret that is
// long enough for all of them.
func SecretAlgorithms() []string { return jose.SecretAlgorithms(maxHash) }

// maxHash is the longest hash of an HMAC, in bytes: SHA-512.
const maxHash = 64
