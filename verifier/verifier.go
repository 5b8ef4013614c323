package verifier

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"authserver/internal/jose"
)

// Options are what a verifier may be told. The zero value of each is a good choice.
type Options struct {
	// Algorithms that tokens may be signed with, where the key allows them too; nil: RS256,
	// PS256, ES256, ES384 and EdDSA.
	Algorithms []string
	// TokenTypes are the values of the header "typ" that tokens may have; nil: "at+jwt"
	// alone (RFC 9068 §4), which no other JWT has. "JWT" is for an issuer that makes access
	// tokens of that type: it takes them where they have what an access token has, and
	// nothing that only an ID token or a logout token of the issuer has.
	TokenTypes []string
	// Skew by which the clocks of the two servers may differ; 0: a minute.
	Skew time.Duration
	// BaseURL is where clients reach this API, as "https://api.example.com/v1" where a proxy
	// takes the path /v1 away: DPoP proofs are for a URL, and the host that a request names
	// is only what its sender wrote. "": scheme and host of the audience; where that is no
	// URL, New fails.
	BaseURL string
	// OtherBaseURLs are further ones, of an API that clients reach under several names.
	OtherBaseURLs []string
	// NoDPoP refuses DPoP (RFC 9449): no proof is checked, and a token that is bound to a
	// key for it is refused.
	NoDPoP bool
	// ProofAge is how old a DPoP proof may be; 0: a minute.
	ProofAge time.Duration
	// MaxProofs is how many DPoP proofs are remembered, each until it is too old, so that
	// none is good twice in this process. More are refused with 503, and of one key more than
	// 38 %, of one subject 61 %, of one client 78 %: less where others use many. 0: 200,000,
	// which are 30 MB at most.
	MaxProofs int
	// HTTPClient fetches the metadata and the keys; nil: one that is not used otherwise. A
	// redirect is followed on the same host alone.
	HTTPClient *http.Client
	// Log is told why tokens and fetches failed, nothing of the tokens; nil: nobody.
	Log *slog.Logger
	// Now is the clock; nil: that of the system.
	Now func() time.Time
}

// Verifier verifies the access tokens of one issuer for one audience. It is for many
// goroutines at once.
type Verifier struct {
	issuer, audience string
	o                Options
	base             baseURLs
	keys             *keySource
	proofs           *usedProofs
}

// New makes a verifier of the tokens that an issuer, the URL of an authorization server,
// makes for an audience, the identifier of this API. The issuer has to be https, or http
// on this very machine. Nothing is fetched yet, so that an API starts without the server.
// Where clients reach the API has to follow from the audience or the options, unless those
// say that it takes no DPoP.
func New(issuer, audience string, o Options) (*Verifier, error) {
	if err := checkIssuer(issuer); err != nil {
		return nil, fmt.Errorf("verifier: the issuer cannot be used: %w", err)
	}
	if audience == "" || unquotable(audience) {
		return nil, fmt.Errorf("verifier: the audience has to be the identifier of this API: ASCII without quotes")
	}
	for _, alg := range o.Algorithms {
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
	// A proof may be that much ahead of our clock, and is good until it is so old.
	v.proofs = newUsedProofs(v.o.ProofAge+2*v.o.Skew, v.o.MaxProofs)
	v.keys = newKeySource(issuer, v.o)
	return v, nil
}

// Close ends the fetch that is under way, if any, and has the keys fetched no more. Until
// then they are kept fresh in the background, so that no request waits for them.
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
