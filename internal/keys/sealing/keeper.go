package sealing

import (
	"context"
	"crypto/rand"
	"errors"

	"golang.org/x/crypto/nacl/secretbox"
)

// Keeper seals and opens data keys: with the master key, or by a key management service.
// It is safe for concurrent use until Close.
type Keeper interface {
	Encrypt(ctx context.Context, plain []byte) ([]byte, error)
	Decrypt(ctx context.Context, sealed []byte) ([]byte, error)
	Close() error
}

// Keeper returns the keeper that seals with the master key.
func (m Master) Keeper() Keeper { return masterKeeper{m} }

// masterKeeper seals with XSalsa20 and Poly1305: nonce, 24 bytes | tag, 16 | ciphertext.
// The nonce is long enough to be random.
type masterKeeper struct{ master Master }

const masterNonce = 24

func (k masterKeeper) Encrypt(_ context.Context, plain []byte) ([]byte, error) {
	var nonce [masterNonce]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return nil, err
	}
	return secretbox.Seal(nonce[:], plain, &nonce, &k.master.key), nil
}

func (k masterKeeper) Decrypt(_ context.Context, sealed []byte) ([]byte, error) {
	if len(sealed) < masterNonce+secretbox.Overhead {
		return nil, errors.New("it is too short to have been sealed under a master key")
	}
	plain, opens := secretbox.Open(nil, sealed[masterNonce:], (*[masterNonce]byte)(sealed), &k.master.key)
	if !opens {
		return nil, errors.New("it was sealed under another master key, or changed since")
	}
	return plain, nil
}

func (masterKeeper) Close() error { return nil }
