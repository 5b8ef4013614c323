package remotekeys

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"authserver/internal/jose"
)

// located is the URL of an issuer's key set, and until when its metadata is fresh.
type located struct {
	jwksURI string
	until   time.Time
}

// discover finds an issuer's key set by its metadata (OpenID Connect Discovery §4, RFC 8414 §3).
func (f *Fetcher) discover(ctx context.Context, issuer string, now time.Time) (located, error) {
	var faults []error
	for _, from := range metadataURLs(issuer) {
		document, err := f.Fetch(ctx, from, now)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		uri, err := parseMetadata(document.Body, issuer)
		if err == nil {
			return located{uri, now.Add(document.Fresh)}, nil
		}
		faults = append(faults, err)
	}
	return located{}, fmt.Errorf("read the metadata of the issuer: %w", errors.Join(faults...))
}

func metadataURLs(issuer string) []string {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil
	}
	origin, path := u.Scheme+"://"+u.Host, strings.TrimSuffix(u.EscapedPath(), "/")
	return []string{
		origin + path + "/.well-known/openid-configuration",
		origin + "/.well-known/oauth-authorization-server" + path,
	}
}

// parseMetadata requires the issuer in the metadata to be the one that was asked
// (RFC 8414 §3.3). Otherwise one issuer could publish keys for another.
func parseMetadata(body []byte, issuer string) (string, error) {
	metadata, err := jose.DecodeObject(body)
	if err != nil {
		return "", fmt.Errorf("the metadata is malformed: %w", err)
	}
	if metadata["issuer"] != issuer {
		return "", errors.New("the metadata is that of another issuer")
	}
	uri, _ := metadata["jwks_uri"].(string)
	if uri == "" {
		return "", errors.New("the metadata has no jwks_uri")
	}
	return uri, nil
}
