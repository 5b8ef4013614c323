package admin

import (
	"context"
	"crypto/x509"
	"errors"

	"authserver/internal/keys"
	"authserver/internal/store"
)

// KeyImport is a signing key that an administrator brings: either Key, or URI.
type KeyImport struct {
	Key          keys.Material       `field:"key"`          // private, with its certificates if it has some
	URI          string              `field:"uri"`          // of a key that stays in a PKCS #11 token
	Alg          string              `field:"alg"`          // "": that of the key
	Certificates []*x509.Certificate `field:"certificates"` // its own first; nil: those of Key
}

// Import imports a signing key. It is published now and signs next. Running servers follow.
func (ks *Keys) Import(ctx context.Context, by Call, k KeyImport) (keys.Imported, error) {
	if (k.URI == "") == (k.Key.Private == nil) {
		return keys.Imported{}, Faults{newFault("key", CodeRequired, "give either it or %v", Field("uri"))}
	}
	if k.URI != "" {
		imported, err := ks.Signing.ImportFrom(ctx, by.change(store.KeyImported, ks.Now()), k.URI, k.Alg, k.Certificates)
		return imported, explainImport(imported.KID, err)
	}
	if k.Certificates != nil {
		k.Key.Certificates = k.Certificates
	}
	imported, err := ks.Signing.Import(ctx, by.change(store.KeyImported, ks.Now()), k.Key, k.Alg)
	return imported, explainImport(imported.KID, err)
}

// Certify replaces the certificates of a signing key, its own first. Without certificates it
// removes them.
func (ks *Keys) Certify(ctx context.Context, by Call, kid string, certificates []*x509.Certificate) (keys.Imported, error) {
	certified, err := ks.Signing.Certify(ctx, by.change(store.KeyCertified, ks.Now()), kid, certificates)
	return certified, explainImport(kid, err)
}

// explainImport names the field at fault.
func explainImport(kid string, err error) error {
	if unfit := (*keys.UnfitKeyError)(nil); errors.As(err, &unfit) {
		field := Field("alg")
		if unfit.Chain {
			field = "certificates"
		}
		return Faults{newFault(field, CodeConflict, "%v", unfit)}
	}
	if errors.Is(err, store.ErrExists) {
		return failure(err, CodeExists, "key %s is here already, or was revoked or removed a short time ago: see %v", kid, Operation{Noun: "key", Verb: "list"})
	}
	return explain("key", kid, err)
}
