package remotekeys

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"authserver/internal/bcp195"
)

// Bounds on a fetch.
const (
	fetchTimeout   = 5 * time.Second
	maxBody        = 256 << 10
	maxHeader      = 16 << 10
	maxRedirects   = 2
	maxIdlePerHost = 1
)

// Fetcher fetches documents. [NewFetcher] makes one for URLs that others chose, which guards
// against server-side request forgery (RFC 8725 §3.10, RFC 9700 §4.11). [NewUnguarded] makes
// one for a publisher that its user chose.
type Fetcher struct {
	usual  *http.Transport // each client has a copy of it
	client atomic.Pointer[http.Client]
	http   bool
}

// FetcherOptions are what an administrator decides.
type FetcherOptions struct {
	// AllowHosts are the hosts that may have addresses which are not public.
	AllowHosts []string
	// RootCAs are the only authorities that are trusted; nil: the system's.
	RootCAs *x509.CertPool
	// AllowHTTP allows http to loopback addresses too, to try things out.
	AllowHTTP bool
}

// NewUnguarded returns a fetcher that uses the client and connects to any address. It allows http
// only for loopback addresses.
func NewUnguarded(client *http.Client) *Fetcher {
	own := *client
	own.CheckRedirect = sameOrigin
	f := &Fetcher{http: true}
	f.client.Store(&own)
	return f
}

// NewFetcher returns a fetcher that connects only to public addresses, unless the options allow the
// host.
func NewFetcher(o FetcherOptions) *Fetcher {
	allowed := make([]string, 0, len(o.AllowHosts))
	for _, host := range o.AllowHosts {
		allowed = append(allowed, strings.ToLower(host))
	}
	may := newAddresses(o.AllowHTTP)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			dialer := net.Dialer{Timeout: fetchTimeout}
			if !slices.Contains(allowed, strings.ToLower(host)) {
				// Check the address of the connection, not the result of an earlier lookup: a name
				// can get another address in between.
				dialer.Control = func(_, address string, _ syscall.RawConn) error { return may.check(address) }
			}
			return dialer.DialContext(ctx, network, address)
		},
		// A proxy would resolve names itself, past the check.
		Proxy:                  nil,
		TLSClientConfig:        bcp195.Config(),
		TLSHandshakeTimeout:    fetchTimeout,
		ResponseHeaderTimeout:  fetchTimeout,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		IdleConnTimeout:        fetchTimeout,
		DisableCompression:     true, // a small answer cannot become a large one
		ForceAttemptHTTP2:      true,
	}
	f := &Fetcher{http: o.AllowHTTP, usual: transport}
	f.Trust(o.RootCAs)
	return f
}

// Trust makes later fetches trust only these authorities; nil: the system's.
func (f *Fetcher) Trust(roots *x509.CertPool) {
	transport := f.usual.Clone() // the clone does not reuse connections that trusted other authorities
	transport.TLSClientConfig.RootCAs = roots
	before := f.client.Swap(&http.Client{Transport: transport, CheckRedirect: sameOrigin})
	if before != nil {
		before.CloseIdleConnections()
	}
}

// sameOrigin allows redirects only on the publisher's own host.
func sameOrigin(next *http.Request, before []*http.Request) error {
	from := before[0].URL
	if len(before) > maxRedirects || next.URL.Scheme != from.Scheme || next.URL.Host != from.Host {
		return &refused{"it redirects to another host: register the URL where the document is"}
	}
	return nil
}

// CheckURL returns an error for a URL that documents are not fetched from.
func CheckURL(text string, allowHTTP bool) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return errors.New("it is not a URL with a host")
	case u.User != nil || u.Fragment != "" || strings.HasSuffix(text, "#"):
		return errors.New("a URL of keys has neither a user nor a fragment")
	case u.Scheme == "https", u.Scheme == "http" && allowHTTP && loopbackName(u.Hostname()):
		return nil
	case allowHTTP:
		return errors.New("it is not https, nor http on this machine")
	}
	return errors.New("it is not https: an attacker on the network could replace the keys")
}

func loopbackName(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Fetched is a document, and how long it is fresh from the moment of the request.
type Fetched struct {
	Body  []byte
	Fresh time.Duration
}

// Fetch returns a document of at most 256 KiB; now is the moment of the request. The error
// says what failed and on which host, and quotes nothing of the answer.
func (f *Fetcher) Fetch(ctx context.Context, from string, now time.Time) (Fetched, error) {
	if err := CheckURL(from, f.http); err != nil {
		return Fetched{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return Fetched{}, fmt.Errorf("fetch keys: %w", err)
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := f.client.Load().Do(request)
	if err != nil {
		return Fetched{}, fmt.Errorf("fetch keys from %s: %w", request.URL.Host, inWords(err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return Fetched{}, fmt.Errorf("fetch keys from %s: it answers %d", request.URL.Host, response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return Fetched{}, fmt.Errorf("fetch keys from %s: %w", request.URL.Host, inWords(err))
	}
	if len(body) > maxBody {
		return Fetched{}, fmt.Errorf("fetch keys from %s: the answer is larger than %d bytes", request.URL.Host, maxBody)
	}
	return Fetched{Body: body, Fresh: freshness(response.Header, now)}, nil
}

// inWords removes the URL, whose query may hold a secret, and the text of the answer, which
// the errors of net/http quote.
func inWords(err error) error {
	var refusal *refused
	var untrusted *tls.CertificateVerificationError
	var network *net.OpError
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.As(err, &untrusted):
		return untrusted
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("it took too long")
	case errors.As(err, &network):
		return network
	}
	return errors.New("its answer is not HTTP")
}

// refused is the reason why a fetch is not made.
type refused struct{ why string }

func (e *refused) Error() string { return e.why }
