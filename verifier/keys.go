package verifier

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"authserver/internal/jose"
	"authserver/internal/trust/remotekeys"
)

const (
	refreshInterval = 5 * time.Second // between two checks whether the keys have to be fetched
	retryGap        = 5 * time.Second // the longest pause after a failed fetch
)

// keySource has the keys of an issuer. From the first token on it fetches them again before they
// are stale, whether requests arrive or not.
type keySource struct {
	sets   *remotekeys.Sets
	source remotekeys.Source
	stop   context.CancelFunc
	ended  chan struct{} // closed when refresh has returned
}

func newKeySource(issuer string, o Options) *keySource {
	ctx, stop := context.WithCancel(context.Background())
	k := &keySource{
		sets: &remotekeys.Sets{
			Fetcher: remotekeys.NewUnguarded(o.HTTPClient), Now: o.Now, MaxPause: retryGap, Log: o.Log,
		},
		source: remotekeys.Source{Issuer: issuer},
		stop:   stop, ended: make(chan struct{}),
	}
	go k.refresh(ctx)
	return k
}

func (k *keySource) refresh(ctx context.Context) {
	defer close(k.ended)
	ticker := time.NewTicker(refreshInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = k.sets.Refresh(ctx) // it fails only if ctx ends; failed fetches are logged
		}
	}
}

// find returns the keys that may have signed a token with this header, or none if the issuer has
// none. If the error wraps ErrUnavailable, find does not know whether the issuer has such a key.
func (k *keySource) find(ctx context.Context, h jose.Header) ([]jose.Key, error) {
	keys, err := k.sets.Keys(ctx, k.source, h)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return keys, nil
}

func (k *keySource) close() {
	k.stop()
	k.sets.Close()
	<-k.ended
}

// checkIssuer refuses a text that is not an issuer identifier (RFC 8414 §2), and an issuer that is
// reached by http, because an attacker on the network could replace its keys.
func checkIssuer(issuer string) error {
	if err := remotekeys.CheckURL(issuer, true); err != nil {
		return err
	}
	if u, err := url.Parse(issuer); err != nil || u.Hostname() == "" || strings.Contains(issuer, "?") {
		return errors.New("it is not a URL with a host and without a query (RFC 8414 section 2)")
	}
	return nil
}
