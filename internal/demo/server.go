package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// server has the endpoints from the metadata that the libraries do not read.
type server struct {
	*oidc.Provider
	Revocation string `json:"revocation_endpoint"`
	EndSession string `json:"end_session_endpoint"` // "": there is none
}

// transport connects to the server. Over plain http the app is on the same machine, and the host of
// the issuer may be one that only the browser can reach, as in a container.
func (o Options) transport() http.RoundTripper {
	if !strings.HasPrefix(o.Issuer, "http://") {
		return http.DefaultTransport
	}
	return &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, o.Server)
	}}
}

// discover reads the metadata once.
func (d *Demo) discover(ctx context.Context) (*server, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.learned != nil {
		return d.learned, nil
	}
	provider, err := oidc.NewProvider(d.calling(ctx), d.Issuer)
	if err != nil {
		return nil, fmt.Errorf("read the metadata: %w", err)
	}
	s := &server{Provider: provider}
	if err := provider.Claims(s); err != nil {
		return nil, fmt.Errorf("read the metadata: %w", err)
	}
	d.learned = s
	return s, nil
}

// calling is a context in which the libraries use the app's own HTTP client.
func (d *Demo) calling(ctx context.Context) context.Context { return oidc.ClientContext(ctx, d.http) }

func (d *Demo) config(s *server, redirectURI string) *oauth2.Config {
	endpoint := s.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams // a public client has no secret to authenticate with
	return &oauth2.Config{ClientID: d.ClientID, Endpoint: endpoint, RedirectURL: redirectURI, Scopes: d.Scopes}
}

// revokeToken is RFC 7009.
func (d *Demo) revokeToken(ctx context.Context, s *server, token string) error {
	form := url.Values{"token": {token}, "client_id": {d.ClientID}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Revocation, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := d.http.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err = errors.Join(err, response.Body.Close()); err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the server answered %s", response.Status)
	}
	return err
}
