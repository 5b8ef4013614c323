package assertions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"authserver/internal/jose"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

// RequestObjects checks the signed request objects of clients (RFC 9101).
type RequestObjects struct {
	Verifier   *Verifier
	Issuer     string   // this server, which must be an audience
	Algorithms []string // that clients may use; nil: all supported ones
}

// requestTypes are the values of the header "typ" of a request object, "" for none (RFC 9101
// §4).
func requestTypes() []string { return []string{"", "jwt", "oauth-authz-req+jwt"} }

// Open returns the claims of a request object that the client signed with one of its registered
// keys. A refusal is an [oauth.Error] with InvalidRequestObject, or with RequestNotSupported if the
// object is not signed (OpenID Connect Core §3.1.2.6).
func (o *RequestObjects) Open(ctx context.Context, now time.Time, client store.Client, object string) (map[string]any, error) {
	parsed, err := Parse(object, requestTypes())
	if err != nil {
		return nil, refuseObject(err)
	}
	if parsed.Header.Alg == "none" {
		return nil, oauth.Fail(oauth.RequestNotSupported, "request_object_unsigned", "a request object has to be signed with a key of the client: alg none is not supported")
	}
	known := KeyAlgorithms()
	if Symmetric(parsed.Header.Alg) {
		known = SecretAlgorithms()
	}
	r := Registration{
		Iss: client.ID, Audiences: []string{o.Issuer}, Keys: keysOf(client, parsed.Header.Alg, now),
		Algorithms: jose.Common(known, o.Algorithms, client.AssertionAlgs, client.Profile.Algorithms()),
	}
	if err := o.Verifier.signed(ctx, now, parsed, r); err != nil {
		if fault := (*Fault)(nil); errors.As(err, &fault) {
			return nil, fmt.Errorf("check the request object: %w", err)
		}
		return nil, refuseObject(err)
	}
	if err := checkObject(now, parsed, r, o.Verifier.Skew); err != nil {
		return nil, refuseObject(err)
	}
	return parsed.Claims, nil
}

// checkObject checks the issuer and the audience of the object. RFC 9101 §4 recommends iss and aud;
// here both are required, so that an object for another server is not accepted here.
func checkObject(now time.Time, p Parsed, r Registration, skew time.Duration) error {
	if p.Issuer() != r.Iss {
		return errors.New("its iss is not the client_id")
	}
	if p.Claims["sub"] == r.Iss { // RFC 9101 §10.8: the browser sees the object, which could authenticate the client
		return errors.New("its sub is the client_id, so that it could be used to authenticate as the client: leave sub out")
	}
	audience, err := jose.Audience(p.Claims)
	if err != nil {
		return err
	}
	if !slices.Contains(audience, r.Audiences[0]) { // other audiences do no harm, because the request is not a credential
		return fmt.Errorf("its aud has to be %s", r.Audiences[0])
	}
	expires, ok, err := jose.NumericDate(p.Claims, "exp")
	if err != nil {
		return err
	}
	if ok && !now.Before(expires.Add(skew)) {
		return errors.New("it has expired")
	}
	return checkBegun(now, p.Claims, skew)
}

func refuseObject(why error) *oauth.Error {
	return oauth.Fail(oauth.InvalidRequestObject, "request_object_refused", "the request object is not accepted: "+why.Error()).Because(why)
}
