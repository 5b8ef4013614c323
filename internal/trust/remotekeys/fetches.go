package remotekeys

import "sync/atomic"

// fetches counts the fetches of key sets by the kind of their source.
type fetches struct{ byURI, byIssuer outcomes }

type outcomes struct{ fetched, failed atomic.Int64 }

func (f *fetches) of(discovery bool) *outcomes {
	if discovery {
		return &f.byIssuer
	}
	return &f.byURI
}

func (f *fetches) count(source Source, err error) {
	o := f.of(source.JWKSURI == "")
	if err != nil {
		o.failed.Add(1)
		return
	}
	o.fetched.Add(1)
}

// Fetches returns how many fetches of key sets have succeeded, or failed, since the start: of
// those found by an issuer's metadata, or of those registered by URL.
func (s *Sets) Fetches(discovery, failed bool) int64 {
	o := s.fetches.of(discovery)
	if failed {
		return o.failed.Load()
	}
	return o.fetched.Load()
}
