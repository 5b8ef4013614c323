package server

import (
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"time"

	"authserver/internal/config"
	"authserver/internal/remotekeys"
)

// refreshInterval is how often key sets that are fetched from elsewhere are looked
// over.
const refreshInterval = 10 * time.Second

// openRemoteKeys prepares to fetch the key sets of others. A server that is itself
// reached by http, to try it out, takes them by http from its own machine too.
func openRemoteKeys(s config.Settings) (*remotekeys.Sets, error) {
	options := remotekeys.FetcherOptions{AllowHosts: s.FetchAllowHost, AllowHTTP: overHTTP(s)}
	if s.FetchCAFile != "" {
		var err error
		if options.RootCAs, err = besideTheSystem(s.FetchCAFile); err != nil {
			return nil, fmt.Errorf("--fetch-ca-file: %w", err)
		}
	}
	return &remotekeys.Sets{Fetcher: remotekeys.NewFetcher(options), Now: time.Now}, nil
}

// overHTTP reports whether the server is not reached by https, or, in a command that
// is not told its issuer, may be so.
func overHTTP(s config.Settings) bool { return !strings.HasPrefix(s.Issuer, "https://") }

func besideTheSystem(file string) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the system's authorities: %w", err)
	}
	authorities, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if !pool.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", file)
	}
	return pool, nil
}
