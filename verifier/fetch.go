package verifier

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"authserver/internal/jose"
	"authserver/internal/remotekeys"
)

// Bounds on what is fetched.
const (
	fetchTimeout = 10 * time.Second
	maxDocument  = 512 << 10 // bytes
)

// fetcher fetches the keys of an issuer from where its metadata says that they are. It is
// for one goroutine at a time.
type fetcher struct {
	client           *http.Client
	now              func() time.Time
	issuer, metadata string

	jwksURI string    // as the metadata has it
	until   time.Time // when the metadata is to be fetched again
}

// metadataURL is RFC 8414 §3.1: the well-known part comes between the host and the path.
func metadataURL(issuer string) (string, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(issuer, "?#") {
		return "", fmt.Errorf("it is not a URL without user, query and fragment (RFC 8414 section 2)")
	}
	if err := checkScheme(u); err != nil {
		return "", err
	}
	return u.Scheme + "://" + u.Host + "/.well-known/oauth-authorization-server" + strings.TrimSuffix(u.EscapedPath(), "/"), nil
}

// checkScheme wants https: keys that come by http are whoever's is on the way.
func checkScheme(u *url.URL) error {
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback) {
		return fmt.Errorf("it is not https, nor http on this machine")
	}
	return nil
}

// fetch returns the keys and how long they may be kept.
func (f *fetcher) fetch(ctx context.Context) (jose.KeySet, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	if !f.now().Before(f.until) {
		if err := f.discover(ctx); err != nil && f.jwksURI == "" { // it hardly ever moves
			return nil, 0, fmt.Errorf("fetch the issuer's metadata: %w", err)
		}
	}
	document, lifetime, err := f.get(ctx, f.jwksURI)
	if err != nil {
		return nil, 0, fmt.Errorf("fetch the issuer's keys: %w", err)
	}
	set, err := jose.ParseKeySet(document)
	if err != nil {
		return nil, 0, fmt.Errorf("read the issuer's keys: %w", err)
	}
	if len(set) == 0 {
		return nil, 0, fmt.Errorf("read the issuer's keys: there is none that can be used")
	}
	return set, lifetime, nil
}

// discover is RFC 8414 §3.2 and §3.3.
func (f *fetcher) discover(ctx context.Context) error {
	document, lifetime, err := f.get(ctx, f.metadata)
	if err != nil {
		return err
	}
	members, err := jose.DecodeObject(document)
	if err != nil {
		return err
	}
	if issuer, _ := members["issuer"].(string); issuer != f.issuer {
		return fmt.Errorf("its issuer is not, byte for byte, the one that it was fetched for")
	}
	uri, _ := members["jwks_uri"].(string)
	u, err := url.Parse(uri)
	if err != nil {
		return fmt.Errorf("its jwks_uri is not a URL")
	}
	if err := checkScheme(u); err != nil {
		return fmt.Errorf("its jwks_uri cannot be used: %w", err)
	}
	f.jwksURI, f.until = uri, f.now().Add(lifetime)
	return nil
}

func (f *fetcher) get(ctx context.Context, from string) ([]byte, time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, 0, err
	}
	request.Header.Set("Accept", "application/json, application/jwk-set+json")
	response, err := f.client.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("%s answers with status %d", from, response.StatusCode)
	}
	document, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	if err != nil {
		return nil, 0, err
	}
	if len(document) > maxDocument {
		return nil, 0, fmt.Errorf("%s answers with more than %d bytes", from, maxDocument)
	}
	return document, remotekeys.Freshness(response.Header, f.now()), nil
}
