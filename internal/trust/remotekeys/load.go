package remotekeys

import (
	"context"
	"errors"
	"fmt"
	"time"

	"authserver/internal/jose"
)

// fetch fetches a set and records the outcome.
func (s *Sets) fetch(ctx context.Context, source Source, k *set) {
	ctx, cancel := context.WithTimeout(ctx, 2*fetchTimeout)
	defer cancel()
	asked := s.Now()
	keys, fresh, err := s.load(ctx, source, &k.found)
	s.fetches.count(source, err)
	if err != nil && s.Log != nil && !errors.Is(ctx.Err(), context.Canceled) {
		s.Log.WarnContext(ctx, "the keys of an issuer or client were not fetched", "error", err)
	}
	k.end(asked, s.Now(), keys, fresh, err)
}

// load fetches a set from its URL, or from the URL in the metadata of its issuer. While the
// metadata cannot be read, load uses the URL that it last had, for a day. If the set is not
// at that URL any more, load reads the metadata again, in case the set has moved.
func (s *Sets) load(ctx context.Context, source Source, at *located) (jose.KeySet, time.Duration, error) {
	if source.JWKSURI != "" {
		return s.read(ctx, source.JWKSURI)
	}
	believed := s.Now().Before(at.until)
	if !believed {
		found, err := s.Fetcher.discover(ctx, source.Issuer, s.Now())
		switch {
		case err == nil:
			*at = found
		case !s.Now().Before(at.until.Add(maxStale)):
			return nil, 0, err
		}
	}
	keys, fresh, err := s.read(ctx, at.jwksURI)
	if err == nil || !believed {
		return keys, fresh, err
	}
	found, lost := s.Fetcher.discover(ctx, source.Issuer, s.Now())
	if lost != nil || found.jwksURI == at.jwksURI {
		return nil, 0, err
	}
	*at = found
	return s.read(ctx, at.jwksURI)
}

func (s *Sets) read(ctx context.Context, from string) (jose.KeySet, time.Duration, error) {
	document, err := s.Fetcher.Fetch(ctx, from, s.Now())
	if err != nil {
		return nil, 0, err
	}
	keys, err := jose.ParseKeySet(document.Body)
	if err != nil {
		return nil, 0, fmt.Errorf("read the key set: %w", err)
	}
	if len(keys) == 0 {
		return nil, 0, fmt.Errorf("read the key set: it contains no key that can verify signatures")
	}
	return keys, document.Fresh, nil
}
