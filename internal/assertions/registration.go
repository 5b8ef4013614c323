package assertions

import (
	"encoding/json"
	"time"

	"authserver/internal/store"
)

// Registration is what somebody who signs assertions was registered with, whether
// a trusted issuer or a client.
type Registration struct {
	ID           string // the claim "iss"
	Keys         Keys
	Algorithms   []string // the "alg" values that it may use (RFC 8725 §3.1)
	SubjectClaim string   // the claim that names the subject
	MaxLifetime  time.Duration
	// Audiences are the names of this server of which the assertion has to have one or
	// more, and no other.
	Audiences []string
}

// Keys is where the keys of a registration come from: one of the fields.
type Keys struct {
	JWKS         json.RawMessage // a JWK Set of public keys
	Certificates [][]byte        // DER; chosen by x5t or x5t#S256
	Secrets      []Secret        // shared
}

// Secret is a shared secret, sealed for the row As.
type Secret struct {
	Sealed []byte
	As     string
}

// OfIssuer is the registration of a trusted issuer (RFC 7523 §2.1). Its assertions
// may address this server by any of the audiences.
func OfIssuer(i store.Issuer, audiences []string) Registration {
	r := Registration{
		ID: i.ID, Algorithms: i.Algorithms, SubjectClaim: i.SubjectClaim, MaxLifetime: i.MaxLifetime,
		Audiences: audiences,
		Keys:      Keys{JWKS: i.JWKS, Certificates: i.Certificates},
	}
	if len(i.SealedSecret) > 0 {
		r.Keys.Secrets = []Secret{{i.SealedSecret, store.SealedAs("issuers", i.ID)}}
	}
	return r
}
