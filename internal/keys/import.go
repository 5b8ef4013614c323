package keys

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"authserver/internal/store"
)

// Imported is the result of an import.
type Imported struct {
	KID          string    `json:"kid"`
	Alg          string    `json:"alg"`
	State        State     `json:"state"`
	PublishedAt  time.Time `json:"published_at"`
	ActiveAt     time.Time `json:"active_at"`
	Certificates int       `json:"certificates"` // the number that are attached
}

// Import adds a key pair of the operator, for an algorithm; "" is the algorithm that the key names
// or, if it could have several, the first. The key is published now. It signs next, at the planned
// end of the active key, but not before every verifier can know it. The key that was planned next
// follows it. In an empty database it signs at once, and the other algorithms get their first keys
// at the same time, as when a server starts.
func (m *Manager) Import(ctx context.Context, by store.Change, brought Material, alg string) (Imported, error) {
	return m.take(ctx, by, brought, "", alg)
}

// ImportFrom is Import for a key pair that stays where a URI names it.
func (m *Manager) ImportFrom(ctx context.Context, by store.Change, uri, alg string, certificates []*x509.Certificate) (Imported, error) {
	if !isURI([]byte(uri)) {
		return Imported{}, fmt.Errorf("a key that is kept elsewhere is named by a URI that begins with %s", elsewhere)
	}
	private, err := m.Source.Signer(uri)
	if err != nil {
		return Imported{}, err
	}
	return m.take(ctx, by, Material{Private: private, Certificates: certificates}, uri, alg)
}

func (m *Manager) take(ctx context.Context, by store.Change, brought Material, uri, alg string) (Imported, error) {
	public := brought.Private.Public()
	alg, err := chooseAlgorithm(public, brought.Alg, alg)
	if err != nil {
		return Imported{}, err
	}
	key, err := newKey(m.Sealer, alg, brought.Private, uri)
	if err != nil {
		return Imported{}, err
	}
	if key.Certificates, err = m.certificates(public, brought.Certificates); err != nil {
		return Imported{}, err
	}
	algs, err := m.wanted(ctx)
	if err != nil {
		return Imported{}, err
	}
	m.planning.Lock()
	defer m.planning.Unlock()
	rows, err := m.change(ctx, by, func(d *draft) error {
		if _, here := find(d.keys, key.KID); here { // a key cannot follow itself
			return store.ErrExists
		}
		d.insert(key)
		d.change.Brought = key.KID
		for _, alg := range algs {
			// No verifier has a key set yet, so there is none that would have to expire first.
			if d.fresh && alg != key.Alg {
				d.first(alg)
			}
		}
		return nil
	})
	if errors.Is(err, store.ErrExists) {
		return Imported{KID: key.KID}, fmt.Errorf("key %s is here already, or was revoked or removed a short time ago: %w", key.KID, err)
	}
	if err != nil {
		return Imported{}, fmt.Errorf("import key %s: %w", key.KID, err)
	}
	key, _ = find(rows, key.KID)
	return imported(key, m.Now()), nil
}

func imported(k store.SigningKey, now time.Time) Imported {
	return Imported{
		KID: k.KID, Alg: k.Alg, State: StateAt(k, now), PublishedAt: k.PublishedAt, ActiveAt: k.ActiveAt, Certificates: len(k.Certificates),
	}
}

// UnfitKeyError reports a fault of the imported key, and not of the server.
type UnfitKeyError struct {
	Chain bool // the certificates are wrong, not the algorithm
	cause error
}

func (e *UnfitKeyError) Error() string { return e.cause.Error() }
func (e *UnfitKeyError) Unwrap() error { return e.cause }

func unfit(format string, args ...any) error {
	return &UnfitKeyError{cause: fmt.Errorf(format, args...)}
}

// chooseAlgorithm chooses the only algorithm for a key (RFC 8725 §3.1).
func chooseAlgorithm(public crypto.PublicKey, named, asked string) (string, error) {
	if err := checkUsable(public); err != nil {
		return "", err
	}
	possible := AlgorithmsFor(public)
	switch {
	case asked != "" && named != "" && asked != named:
		return "", unfit("the key says that it is for %s: leave the algorithm out, or take that out of the key", named)
	case asked == "" && named != "":
		asked = named
	case asked == "":
		asked = possible[0]
	}
	if !slices.Contains(possible, asked) {
		return "", unfit("%s cannot sign %s: leave the algorithm out, or set it to %s", kindOf(public), asked, strings.Join(possible, " or "))
	}
	return asked, nil
}

// certificates checks a chain and returns it in DER. An empty chain is valid.
func (m *Manager) certificates(public crypto.PublicKey, chain []*x509.Certificate) ([][]byte, error) {
	if len(chain) == 0 {
		return nil, nil
	}
	if err := CheckCertificates(public, chain, m.Now()); err != nil {
		return nil, &UnfitKeyError{Chain: true, cause: err}
	}
	der := make([][]byte, 0, len(chain))
	for _, c := range chain {
		der = append(der, c.Raw)
	}
	return der, nil
}

// Certify replaces the certificates of a key. With an empty chain it removes them.
func (m *Manager) Certify(ctx context.Context, by store.Change, kid string, chain []*x509.Certificate) (Imported, error) {
	m.planning.Lock()
	defer m.planning.Unlock()
	rows, err := m.change(ctx, by, func(d *draft) error {
		row, ok := find(d.keys, kid)
		if !ok || StateAt(row, d.now) == Removed {
			return store.ErrNotFound
		}
		opened, err := openKey(m.Sealer, m.Source, row)
		if err != nil {
			return err
		}
		if row.Certificates, err = m.certificates(opened.private.Public(), chain); err != nil {
			return err
		}
		d.update(row)
		return nil
	})
	if err != nil {
		return Imported{}, fmt.Errorf("certify key %s: %w", kid, err)
	}
	row, _ := find(rows, kid)
	return imported(row, m.Now()), nil
}

// insert makes a key the next one to sign.
func (d *draft) insert(k store.SigningKey) {
	k.PublishedAt = d.now
	keys := chainOf(d.keys, k.Alg)
	before, signs := keys.in(Active, d.now)
	next, followed := successor(d.keys, before.KID)
	if !signs { // the first pending key of the algorithm, if there is one
		next, followed = keys.in(Pending, d.now)
	}
	var h Handover
	switch {
	case followed:
		h = d.timeline.handover(later(d.now.Add(d.timeline.Lead()), next.ActiveAt), d.now)
		k.Predecessor, next.Predecessor = next.Predecessor, k.KID
		d.update(next)
	case signs:
		h = d.timeline.Regular(before, d.now, d.now)
		k.Predecessor = before.KID
	default:
		h.At = d.now
		if !d.fresh {
			h.At = d.now.Add(d.timeline.Lead())
		}
	}
	k.ActiveAt = h.At
	d.add(k)
	d.takeOver(k, h)
	for ; followed; next, followed = successor(d.keys, k.KID) {
		h := d.timeline.Regular(k, d.now, d.now)
		k = d.takeOver(next, d.timeline.handover(later(h.At, next.ActiveAt), d.now))
	}
}
