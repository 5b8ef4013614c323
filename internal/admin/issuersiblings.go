package admin

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/store"
)

// maxSiblings bounds the registrations with one iss, because an assertion that names no key is
// tried with each.
const maxSiblings = 50

// checkSiblings refuses a key of another registration with the same iss, because the key decides to
// which registration an assertion belongs. Fetched keys are known only later, so servers check
// again. It returns the registrations that it compared with.
func (is *Issuers) checkSiblings(ctx context.Context, f *form, i store.Issuer) []store.Issuer {
	siblings, err := is.Siblings.IssuersOf(ctx, i.Iss)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		f.fail("look up the registrations of %q: %w", i.Iss, err)
		return nil
	}
	siblings = slices.DeleteFunc(siblings, func(s store.Issuer) bool { return s.ID == i.ID })
	if len(siblings) >= maxSiblings {
		f.fault("iss", CodeTooMany, "%s has %d registrations already, which is as many as there may be", i.Iss, len(siblings))
		return nil
	}
	if !slices.ContainsFunc(keyFields(), f.wrong) {
		is.compareKeys(f, i, siblings)
	}
	return siblings
}

func (is *Issuers) compareKeys(f *form, i store.Issuer, siblings []store.Issuer) {
	own, err := is.keyNames(i)
	if err != nil {
		f.fail("%w", err)
		return
	}
	for _, s := range siblings {
		names, err := is.keyNames(s)
		if err != nil {
			f.fail("%w", err)
			return
		}
		if slices.ContainsFunc(own, func(name string) bool { return slices.Contains(names, name) }) {
			f.fault(keySource(i), CodeExists, "the registration %q has the same iss and one of the same keys, or finds them in the same place: "+
				"the server could not tell to which of the two an assertion belongs, so give each a key of its own, or delete that registration", s.ID)
		}
	}
}

// write writes a registration that was compared with its siblings. If another command changed one
// of them meanwhile, it compares again. Each repetition means that another command came first.
func (is *Issuers) write(ctx context.Context, i store.Issuer, siblings []store.Issuer, by store.Change,
	write func(ctx context.Context, i store.Issuer, by store.Change, siblings ...store.Issuer) error,
) error {
	for {
		err := write(ctx, i, by, siblings...)
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		own, readErr := is.Store.Issuer(ctx, i.ID)
		switch {
		case errors.Is(readErr, store.ErrNotFound) && i.Version == 0: // it is a new registration
		case readErr != nil:
			return readErr
		case i.Version == 0: // another command created it
			return store.ErrExists
		case own.Version != i.Version:
			return err
		}
		var f form
		siblings = is.checkSiblings(ctx, &f, i)
		if err := f.result(); err != nil {
			return err
		}
	}
}

// keyNames names each key of a registration, or its source, so that equal ones have equal names.
func (is *Issuers) keyNames(i store.Issuer) ([]string, error) {
	switch {
	case i.JWKSURI != "":
		return []string{"at " + i.JWKSURI}, nil
	case i.Discovery:
		return []string{"by the metadata of the iss"}, nil
	case len(i.SealedSecret) > 0:
		secret, err := is.Sealer.Open(i.SealedSecret, store.SealedAs("issuers", i.ID))
		if err != nil {
			return nil, fmt.Errorf("unseal the shared secret of issuer %q: %w", i.ID, err)
		}
		sum := sha256.Sum256(secret)
		return []string{"secret " + hex.EncodeToString(sum[:])}, nil
	}
	keys, err := publicKeys(i)
	if err != nil {
		return nil, fmt.Errorf("issuer %q: %w", i.ID, err)
	}
	names := make([]string, 0, len(keys))
	for _, key := range keys {
		sum, err := key.Thumbprint(crypto.SHA256) // RFC 7638
		if err != nil {
			return nil, fmt.Errorf("issuer %q: name a key: %w", i.ID, err)
		}
		names = append(names, "key "+hex.EncodeToString(sum))
	}
	return names, nil
}

// publicKeys are those of a registration's key set or certificates.
func publicKeys(i store.Issuer) ([]jwk.Key, error) {
	var keys []jwk.Key
	for _, der := range i.Certificates {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("parse a certificate: %w", err)
		}
		key, err := jwk.FromRaw(certificate.PublicKey)
		if err != nil {
			return nil, fmt.Errorf("read the key of a certificate: %w", err)
		}
		keys = append(keys, key)
	}
	if i.JWKS == nil {
		return keys, nil
	}
	set, err := jwk.Parse(i.JWKS)
	if err != nil {
		return nil, fmt.Errorf("parse the key set: %w", err)
	}
	for n := range set.Len() {
		key, _ := set.Key(n)
		keys = append(keys, key)
	}
	return keys, nil
}
