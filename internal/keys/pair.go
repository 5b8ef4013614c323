package keys

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/keys/sealing"
	"authserver/internal/keys/signers"
	"authserver/internal/store"
)

// pair is a key pair that was read from the database.
type pair struct {
	kid, alg string
	private  crypto.Signer
	jwk      json.RawMessage // the public half
	used     atomic.Int64    // the minute in which it signed last, Unix seconds
	recorded atomic.Int64    // the value of used that the database has
}

// newKey turns a key pair into a row without moments. uri names a remote private key; "": it is in
// the row.
func newKey(sealer *sealing.Sealer, alg string, private crypto.Signer, uri string) (store.SigningKey, error) {
	public, kid, err := publicJWK(alg, private.Public())
	if err != nil {
		return store.SigningKey{}, err
	}
	secret := []byte(uri)
	if uri == "" {
		if secret, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
			return store.SigningKey{}, fmt.Errorf("encode the new %s key: %w", alg, err)
		}
	}
	sealed, err := sealer.Seal(secret, signingKeyAs(kid))
	if err != nil {
		return store.SigningKey{}, err
	}
	return store.SigningKey{KID: kid, Alg: alg, PublicJWK: public, Sealed: sealed}, nil
}

// openKey unseals a row. It computes the public half from the private one, because nothing protects
// the public half in the row.
func openKey(sealer *sealing.Sealer, source Source, row store.SigningKey) (*pair, error) {
	secret, err := sealer.Open(row.Sealed, signingKeyAs(row.KID))
	if err != nil {
		return nil, err
	}
	private, err := signerOf(source, secret)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", row.KID, err)
	}
	public, kid, err := publicJWK(row.Alg, private.Public())
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", row.KID, err)
	}
	if kid != row.KID {
		return nil, fmt.Errorf("signing key %s has the thumbprint %s: the row was changed", row.KID, kid)
	}
	switch {
	case isURI(secret):
		private = &remoteKey{Signer: private, alg: row.Alg}
	case !encrypts(row.Alg):
		if private, err = signers.For(private); err != nil {
			return nil, fmt.Errorf("signing key %s: %w", row.KID, err)
		}
	}
	p := &pair{kid: kid, alg: row.Alg, private: private, jwk: public}
	if !row.LastUsedAt.IsZero() {
		p.recorded.Store(row.LastUsedAt.Unix())
	}
	return p, nil
}

func signerOf(source Source, secret []byte) (crypto.Signer, error) {
	if isURI(secret) {
		return source.Signer(string(secret))
	}
	parsed, err := x509.ParsePKCS8PrivateKey(secret) // for RSA it precomputes too
	if err != nil {
		return nil, errors.New("it is not PKCS #8") // the cause may quote the key
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, errors.New("it is of a kind that cannot sign")
	}
	return private, nil
}

// publicJWK returns the public key as a JWK with "kid", "alg" and "use" (RFC 7517 §4), and its
// thumbprint (RFC 7638; RFC 8037 §2 for Ed25519). The key has to fit the algorithm.
func publicJWK(alg string, public crypto.PublicKey) (json.RawMessage, string, error) {
	if err := CheckPublicKey(alg, public); err != nil {
		return nil, "", err
	}
	key, err := jwk.FromRaw(public)
	if err != nil {
		return nil, "", fmt.Errorf("encode the public key: %w", err)
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, "", fmt.Errorf("compute the thumbprint: %w", err)
	}
	kid := base64.RawURLEncoding.EncodeToString(sum)
	use := jwk.ForSignature
	if encrypts(alg) {
		use = jwk.ForEncryption
	}
	for name, value := range map[string]any{jwk.KeyIDKey: kid, jwk.AlgorithmKey: alg, jwk.KeyUsageKey: use} {
		if err := key.Set(name, value); err != nil {
			return nil, "", fmt.Errorf("set %q of the public key: %w", name, err)
		}
	}
	text, err := json.Marshal(key)
	if err != nil {
		return nil, "", fmt.Errorf("encode the public key: %w", err)
	}
	return text, kid, nil
}

func signingKeyAs(kid string) string { return store.SealedAs("signing_keys", kid) }
