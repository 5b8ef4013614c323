//go:build interop

package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"
)

// verifyWithJWX is a program like those in other languages. The cache reads Cache-Control itself,
// and renews the set in the background. It never fetches because of an unknown key.
func verifyWithJWX(ctx context.Context, in io.Reader, out, _ io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lines := bufio.NewScanner(in)
	var config soakConfig
	if !lines.Scan() {
		return fmt.Errorf("no configuration: %w", lines.Err())
	}
	if err := json.Unmarshal(lines.Bytes(), &config); err != nil {
		return err
	}
	// The cache rounds to full seconds. If it begins shortly after one, it renews the set in every
	// second, as a max-age of 1 s requires, and not in every other.
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(1050 * time.Millisecond)))
	// The cache may keep a set longer than the max-age, by the refresh window. The window is 15 minutes
	// by default, and for any value below a second.
	cache := jwk.NewCache(ctx, jwk.WithRefreshWindow(time.Second))
	err := cache.Register(config.JWKSURI,
		// The default is 15 minutes. For so long, the cache keeps a set and ignores Cache-Control.
		jwk.WithMinRefreshInterval(time.Duration(config.MaxAge)*time.Second),
		jwk.WithHTTPClient(&http.Client{Transport: named(config.UserAgent), Timeout: patience}))
	if err != nil {
		return err
	}
	if _, err := cache.Refresh(ctx, config.JWKSURI); err != nil {
		return err
	}
	keys := jwk.NewCachedSet(cache, config.JWKSURI)
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return err
		}
		a := answer{TokenID: q.TokenID, OK: true}
		if err := q.verify(keys, config.Issuer); err != nil {
			a.OK, a.Detail = false, err.Error()
		}
		if err := json.NewEncoder(out).Encode(a); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (q question) verify(keys jwk.Set, issuer string) error {
	message, err := jws.ParseString(q.Token)
	if err != nil {
		return err
	}
	if header := message.Signatures()[0].ProtectedHeaders(); header.Type() != "at+jwt" || header.Algorithm().String() != q.Alg {
		return fmt.Errorf("its typ is %q and its alg %s", header.Type(), header.Algorithm())
	}
	_, err = jwt.ParseString(q.Token, jwt.WithKeySet(keys), jwt.WithIssuer(issuer), jwt.WithAudience(q.Audience), jwt.WithRequiredClaim("exp"))
	return err
}

// named sends its name with every request.
type named string

// RoundTrip implements http.RoundTripper.
func (n named) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("User-Agent", string(n))
	return http.DefaultTransport.RoundTrip(request)
}
