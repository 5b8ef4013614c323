package verifier

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"authserver/internal/jose"
	"authserver/internal/trust/dpop"
)

// Options are the settings of a verifier. The zero value of each is a good choice.
type Options struct {
	// Algorithms are the signature algorithms of tokens that are accepted, if the key allows
	// them too; nil: RS256, PS256, ES256, ES384 and EdDSA.
	Algorithms []string
	// TokenTypes are the values of the header "typ" that tokens may have; nil: only "at+jwt" (RFC
	// 9068 §4), which no other JWT has. "JWT" is for an issuer whose access tokens have that type.
	// A token of that type must have the claims of an access token, and none that only an ID token
	// or a logout token of the issuer has.
	TokenTypes []string
	// Skew is by how much the clocks of the two servers may differ; 0: a minute.
	Skew time.Duration
	// BaseURL is the URL at which clients reach this API, such as "https://api.example.com", or
	// "https://api.example.com/v1" if a proxy removes the path /v1. A DPoP proof names the URL that
	// the client called, and the host in a request does not prove that URL, because the sender
	// chooses it. "": the scheme and host of the audience; if the audience is not a URL, New fails.
	BaseURL string
	// OtherBaseURLs are further such URLs, for an API that clients reach under several names.
	OtherBaseURLs []string
	// NoDPoP is for an API that accepts no DPoP (RFC 9449): it checks no proof, and refuses tokens
	// that are bound to a key.
	NoDPoP bool
	// ProofAlgorithms are the signature algorithms of DPoP proofs that are accepted; nil: RS256 to
	// RS512, PS256 to PS512, ES256 to ES512 and EdDSA. FAPI 2.0 allows only PS256, ES256 and EdDSA.
	ProofAlgorithms []string
	// ProofAge is how old a DPoP proof may be; 0: a minute.
	ProofAge time.Duration
	// MaxProofs is how many used DPoP proofs this process remembers, each until it is too old,
	// so that it accepts none twice. It refuses more with 503. One key may use 38 % of them, one
	// subject 61 % and one client 78 %, and less while others use many. 0: 200,000, which take
	// 30 MB at most.
	MaxProofs int
	// HTTPClient fetches the metadata and the keys; nil: the verifier's own client. With either,
	// the verifier follows redirects only on the same host.
	HTTPClient *http.Client
	// Log records why tokens are refused and fetches fail, and nothing of the tokens; nil: no log.
	Log *slog.Logger
	// Now is the clock; nil: the system's.
	Now func() time.Time
}

// Verifier verifies the access tokens of one issuer for one audience. Its methods may be
// called concurrently.
type Verifier struct {
	issuer, audience string
	o                Options
	base             baseURLs
	keys             *keySource
	proofs           *usedProofs
}

// New returns a verifier. The issuer is the URL of the authorization server, by https, or by
// http on this machine. The audience is the identifier of this API. New fetches nothing, so
// an API starts while the authorization server is down. It returns an error if neither the
// audience nor the options name the URL of this API, unless the options refuse DPoP.
func New(issuer, audience string, o Options) (*Verifier, error) {
	if err := checkIssuer(issuer); err != nil {
		return nil, fmt.Errorf("verifier: the issuer cannot be used: %w", err)
	}
	if audience == "" {
		return nil, errors.New("verifier: the audience has to be the identifier of this API")
	}
	for _, alg := range slices.Concat(o.Algorithms, o.ProofAlgorithms) {
		if !slices.Contains(jose.Algorithms(), alg) {
			return nil, fmt.Errorf("verifier: %q is not one of the algorithms %s", alg, strings.Join(jose.Algorithms(), ", "))
		}
	}
	for _, typ := range o.TokenTypes {
		if !slices.Contains(tokenTypes(), typ) {
			return nil, fmt.Errorf("verifier: %q is not one of the token types %s", typ, strings.Join(tokenTypes(), ", "))
		}
	}
	base, err := newBaseURLs(audience, o)
	if err != nil {
		return nil, fmt.Errorf("verifier: %w", err)
	}
	v := &Verifier{issuer: issuer, audience: audience, o: o.withDefaults(), base: base}
	// The iat of a proof may be Skew ahead of our clock, and the proof is good for ProofAge
	// and Skew from then on.
	v.proofs = newUsedProofs(v.o.ProofAge+2*v.o.Skew, v.o.MaxProofs)
	v.keys = newKeySource(issuer, v.o)
	return v, nil
}

// Close cancels a running fetch and ends the refreshing of the keys in the background.
func (v *Verifier) Close() { v.keys.close() }

func (o Options) withDefaults() Options {
	if o.Algorithms == nil {
		o.Algorithms = []string{"RS256", "PS256", "ES256", "ES384", "EdDSA"}
	}
	if o.TokenTypes == nil {
		o.TokenTypes = tokenTypes()[:1]
	}
	if o.Skew == 0 {
		o.Skew = time.Minute
	}
	o.ProofAlgorithms = dpop.Algorithms(o.ProofAlgorithms)
	if o.ProofAge == 0 {
		o.ProofAge = time.Minute
	}
	if o.MaxProofs == 0 {
		o.MaxProofs = 200_000
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now //nolint:forbidigo // the users of this package are wired elsewhere: this is their default
	}
	if o.HTTPClient == nil {
		o.HTTPClient = newHTTPClient()
	}
	return o
}
