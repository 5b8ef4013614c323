package verifier

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"authserver/internal/jose"
	"authserver/internal/remotekeys"
)

const (
	refreshInterval = 5 * time.Second // between looks at whether the keys are to be fetched
	retryGap        = 5 * time.Second // after a fetch that failed
)

// keySource is the keys of an issuer. From the first token on they are fetched again ahead
// of the end of their time, whether requests come or not.
type keySource struct {
	sets   *remotekeys.Sets
	source remotekeys.Source
	stop   context.CancelFunc
	ended  chan struct{} // closed when the keys are not refreshed any more
}

func newKeySource(issuer string, o Options) *keySource {
	ctx, stop := context.WithCancel(context.Background())
	k := &keySource{
		sets: &remotekeys.Sets{
			Fetcher: remotekeys.NewUnguarded(o.HTTPClient), Now: o.Now, Patience: retryGap, Log: o.Log,
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
			_ = k.sets.Refresh(ctx) // fails when ctx ends alone; what a fetch fails of is logged
		}
	}
}

// find returns the keys that may have signed a token with this header; none where the
// issuer has none, and ErrUnavailable where that is not known.
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

// checkIssuer refuses an identifier that is none by RFC 8414 §2, or whose keys could be
// anybody's who is on the way.
func checkIssuer(issuer string) error {
	if err := remotekeys.CheckURL(issuer, true); err != nil {
		return err
	}
	if u, err := url.Parse(issuer); err != nil || u.Hostname() == "" || strings.Contains(issuer, "?") {
		return errors.New("it is not a URL with a host and without a query (RFC 8414 section 2)")
	}
	return nil
}
