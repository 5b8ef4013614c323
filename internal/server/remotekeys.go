package server

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"authserver/internal/config"
	"authserver/internal/trust/remotekeys"
)

const (
	// refreshInterval is how often the fetched key sets are checked for a refresh.
	refreshInterval = 10 * time.Second
	// keySetsIdle is how long a key set is refreshed without a request for it.
	keySetsIdle = 2 * time.Hour
)

// openRemoteKeys prepares to fetch the key sets of others. A server with an http issuer, for trying
// it out, also fetches them by http from its own machine. The returned function reads the file of
// authorities again.
func openRemoteKeys(s config.Fetch, overHTTP bool, logger *slog.Logger) (remote *remotekeys.Sets, reload func(), err error) {
	options, reload := remotekeys.FetcherOptions{AllowHosts: s.FetchAllowHost, AllowHTTP: overHTTP}, func() {}
	authorities := &watched[*x509.CertPool]{
		settings: []string{"--fetch-ca-file"}, names: []string{s.FetchCAFile},
		parse: besideTheSystem, now: time.Now, logger: logger,
	}
	if s.FetchCAFile != "" {
		if err := authorities.load(); err != nil {
			return nil, nil, err
		}
		options.RootCAs = authorities.get()
	}
	fetcher := remotekeys.NewFetcher(options)
	if s.FetchCAFile != "" {
		reload = func() { fetcher.Trust(authorities.reload()) }
	}
	return &remotekeys.Sets{Fetcher: fetcher, Now: time.Now, Idle: keySetsIdle, Log: logger}, reload, nil
}

// overHTTP reports whether the server is not reached by https, or, in a command that
// is not told its issuer, may be so.
func overHTTP(s config.Identity) bool { return !strings.HasPrefix(s.Issuer, "https://") }

func besideTheSystem(contents [][]byte) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the system's authorities: %w", err)
	}
	return pool, addAuthorities(pool, contents[0])
}
