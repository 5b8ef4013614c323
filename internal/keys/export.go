package keys

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"

	"authserver/internal/store"
)

// Exported is the public half of a key.
type Exported struct {
	Public crypto.PublicKey
	JWK    json.RawMessage // as the key set has it
}

// Export returns the public half of a key that is not removed, also of an encryption key. It is
// computed from the private half: nothing protects the other columns, and an attacker who can only
// write to the database must not get us to publish another key.
func (m *Manager) Export(ctx context.Context, kid string) (Exported, error) {
	now := store.At(m.Now())
	read, err := m.read(ctx, now)
	if err != nil {
		return Exported{}, err
	}
	row, ok := find(read.Keys, kid)
	if !ok || StateAt(row, now) == Removed {
		return Exported{}, store.ErrNotFound
	}
	opened, err := openKey(m.Sealer, m.Source, row)
	if err != nil {
		return Exported{}, err
	}
	public := opened.private.Public()
	text, _, err := certified(public, opened.jwk, row.Certificates, now)
	if err != nil {
		text = opened.jwk // as in the key set, without damaged certificates
	}
	return Exported{Public: public, JWK: text}, nil
}

// PEM returns the key in the form of RFC 7468 §13.
func (e Exported) PEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(e.Public)
	if err != nil {
		return nil, fmt.Errorf("encode the public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
