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

// Registration is the registration of a signer of assertions: a trusted issuer or a client.
type Registration struct {
	Iss          string // the claim "iss"
	Uses         string // the name of the signer in [store.Use]
	Keys         Keys
	Algorithms   []string // the "alg" values that it may use (RFC 8725 §3.1)
	SubjectClaim string   // the path of the claim that names the subject; see [CheckPath]
	MaxLifetime  time.Duration
	Skew         time.Duration        // by which its clock may differ; 0: the Skew of [Verifier]
	Required     []string             // paths of claims that must be present
	Patterns     []store.ClaimPattern // one must match; nil: every assertion matches
	Mapping      map[string]string    // names of claims for the token, with their paths in the assertion
	// Audiences are the names of this server. An assertion must have one or more of them, and no
	// other.
	Audiences []string
	// PlainAudience requires the audience to be a string instead of an array (FAPI 2.0 §5.3.2.1,
	// item 8).
	PlainAudience bool
	// EncryptionAlg is the algorithm by which its assertions are encrypted to this server; "": they
	// are not.
	EncryptionAlg string
}

// CheckEncryption requires encryption if the registration does. Otherwise an attacker could send a
// signed assertion that was seen on its way. alg is the algorithm of the encryption; "": the
// assertion was not encrypted.
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

// Keys has the keys of a registration, or says where to fetch them. A client may have both a key
// set and certificates.
type Keys struct {
	JWKS         json.RawMessage   // a JWK Set of public keys
	Remote       remotekeys.Source // to fetch a JWK Set from
	Certificates [][]byte          // DER; chosen by x5t or x5t#S256
	Authorities  [][]byte          // DER; each of Certificates must chain to one; nil: no chain is required
	Secrets      []Secret          // shared
}

// Secret is a shared secret, sealed for the row As.
type Secret struct {
	Sealed []byte
	As     string
}

// OfIssuer returns the registration of a trusted issuer (RFC 7523 §2.1). Its assertions may address
// this server by any of the audiences, and by those of the issuer's registration.
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

// ClientRules are the requirements of this server for the assertions of all clients.
type ClientRules struct {
	Algorithms  []string // that clients may use; nil: all supported ones
	MaxLifetime time.Duration
}

// OfClient returns the registration of a client that signs for itself, with an algorithm of the
// given kind: either its key and the algorithms that fit the key, or its valid secrets that are
// stored as keys. It returns false if the client is not registered for the method of such a
// signature. So keys that the client has for its certificates, or for a method that it no longer
// has, sign nothing.
//
// The algorithms are those that the server accepts, the client is registered for and its profile
// allows, and the keys are those without another "alg". The first of the audiences is the issuer
// identifier, the only one that FAPI 2.0 allows.
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

// keysOf returns the keys of a client for an algorithm: its public keys, or its valid secrets that
// are stored as keys.
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

// Method returns the method by which a client authenticates with a signature of an algorithm
// (OpenID Connect Core §9).
func Method(alg string) oauth.AuthMethod {
	if Symmetric(alg) {
		return oauth.AuthSecretJWT
	}
	return oauth.AuthPrivateKeyJWT
}

// Symmetric reports whether an algorithm uses a shared secret.
func Symmetric(alg string) bool { return strings.HasPrefix(alg, "HS") }

// KeyAlgorithms returns the algorithms of assertions that are signed with a private
// key.
func KeyAlgorithms() []string { return jose.Algorithms() }

// SecretAlgorithms returns the algorithms of assertions under a shared secret that is long enough
// for all of them.
func SecretAlgorithms() []string { return jose.SecretAlgorithms(maxHash) }

// maxHash is the longest hash of an HMAC, in bytes: SHA-512.
const maxHash = 64
