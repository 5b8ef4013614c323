package admin

import (
	"context"
	"crypto/x509"
	"errors"

	"authserver/internal/keys"
	"authserver/internal/keys/keyfiles"
	"authserver/internal/store"
)

// KeyImport is a signing key that somebody brings: either File, or URI.
type KeyImport struct {
	File         []byte // PEM or JWK, with or without certificates
	URI          string // of a key that stays in a PKCS #11 token
	Alg          string // "": what the key is for
	Certificates []byte // PEM; nil: those in File
}

// ImportKey takes in a signing key, published now and the next to sign. Running
// servers follow.
func (a *Admin) ImportKey(ctx context.Context, by Call, k KeyImport) (keys.Imported, error) {
	var chain []*x509.Certificate
	if k.Certificates != nil {
		var err error
		if chain, err = keyfiles.Certificates(k.Certificates); err != nil {
			return keys.Imported{}, invalid("--certificate-file: %w", err)
		}
	}
	if k.URI != "" {
		imported, err := a.Keys.ImportFrom(ctx, by.change(store.KeyImported, a.Now()), k.URI, k.Alg, chain)
		return imported, misfit(err)
	}
	brought, err := keys.ParseMaterial(k.File)
	if err != nil {
		return keys.Imported{}, invalid("--file: %w", err)
	}
	if chain != nil {
		brought.Certificates = chain
	}
	imported, err := a.Keys.Import(ctx, by.change(store.KeyImported, a.Now()), brought, k.Alg)
	return imported, misfit(err)
}

// CertifyKey attaches certificates to a signing key, in the place of those that it
// has. No certificates take those away.
func (a *Admin) CertifyKey(ctx context.Context, by Call, kid string, certificates []byte) (keys.Imported, error) {
	var chain []*x509.Certificate
	if len(certificates) > 0 {
		var err error
		if chain, err = keyfiles.Certificates(certificates); err != nil {
			return keys.Imported{}, invalid("--certificate-file: %w", err)
		}
	}
	certified, err := a.Keys.Certify(ctx, by.change(store.KeyCertified, a.Now()), kid, chain)
	return certified, misfit(err)
}

// misfit calls invalid what does not fit.
func misfit(err error) error {
	if unfit := (*keys.Unfit)(nil); errors.As(err, &unfit) {
		return invalid("%w", err)
	}
	return err
}
