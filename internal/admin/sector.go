package admin

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"authserver/internal/store"
	"authserver/internal/trust/remotekeys"
)

// Documents fetches remote documents; it is [remotekeys.Fetcher].
type Documents interface {
	Fetch(ctx context.Context, from string, now time.Time) (remotekeys.Fetched, error)
}

// checkSector checks that the document of a client's sector lists each of its redirect URIs (OpenID
// Connect Dynamic Client Registration 1.0 §5). Otherwise a client could join the sector of another,
// and recognise its users.
func (cs *Clients) checkSector(ctx context.Context, f *form, c store.Client, in ClientSignInInput) {
	const field Field = "sector_identifier_uri"
	if c.SectorIdentifierURI == "" || in.SectorIdentifierURI == nil && in.RedirectURIs == nil || len(f.faults) > 0 {
		return
	}
	document, err := cs.Documents.Fetch(ctx, c.SectorIdentifierURI, cs.Now())
	if err != nil {
		f.fault(field, CodeInvalid, "the list of redirect URIs there cannot be read: %v", err)
		return
	}
	var listed []string
	if err := json.Unmarshal(document.Body, &listed); err != nil {
		f.fault(field, CodeInvalid, "what is there is not a JSON array of redirect URIs")
		return
	}
	for _, uri := range c.RedirectURIs {
		if !slices.Contains(listed, uri) {
			f.fault(field, CodeConflict, "the list there does not have %q, one of %v: the owner of the sector has to add it", uri, Field("redirect_uris"))
		}
	}
}

// sectorWarnings warn that a client will not recognise its users.
func sectorWarnings(before, after store.Client) []Fault {
	if before.PairwiseSector() == after.PairwiseSector() {
		return nil
	}
	return []Fault{newFault("subject_type", CodeConflict, "from now on the client knows its users under other subjects than before: see %v and %v",
		Field("sector_identifier_uri"), Field("redirect_uris"))}
}
