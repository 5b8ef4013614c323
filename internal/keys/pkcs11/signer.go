//go:build pkcs11 && cgo

package pkcs11

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/ThalesGroup/crypto11"
)

// signer is a key pair in a token.
type signer struct {
	module *Module
	uri    URI
	public crypto.PublicKey
	found  atomic.Pointer[found]
}

// found is the key as one login sees it: its handle is invalid after the next login.
type found struct {
	context *crypto11.Context
	key     crypto.Signer
}

// Signer finds the key pair that a URI names: exactly one, and fit for one of [Algorithms]. The
// token has to sign once, to prove that it has the private half of the public key.
func (m *Module) Signer(uri string) (crypto.Signer, error) {
	u, err := ParseURI(uri)
	if err != nil {
		return nil, err
	}
	if u.Token != "" && u.Token != m.options.Token {
		return nil, fmt.Errorf("the key is in the PKCS#11 token %q, and the one that is open is %q", u.Token, m.options.Token)
	}
	var s *signer
	look := func(context *crypto11.Context) error {
		key, err := find(context, u)
		if err != nil {
			return err
		}
		s, err = m.signer(u, context, key)
		return err
	}
	err = m.use(look)
	var missing missingError
	if errors.As(err, &missing) && m.misses.worthANewLogin(uri) {
		err = m.useAnew(look)
	}
	if err != nil {
		return nil, fmt.Errorf("find the key %s in the PKCS#11 token %q: %w", u, m.options.Token, err)
	}
	return s, nil
}

func (m *Module) signer(u URI, context *crypto11.Context, key crypto.Signer) (*signer, error) {
	if err := prove(key); err != nil {
		return nil, err
	}
	s := &signer{module: m, uri: u, public: key.Public()}
	s.found.Store(&found{context, key})
	return s, nil
}

// missingError reports that a URI names no key.
type missingError struct{}

func (missingError) Error() string {
	return "there is no such key pair; was it deleted, or made in another token of the same label"
}

func find(context *crypto11.Context, u URI) (crypto.Signer, error) {
	keys, err := context.FindKeyPairs(u.ID, []byte(u.Object))
	switch {
	case err != nil:
		return nil, err
	case len(keys) == 0:
		return nil, missingError{}
	case len(keys) > 1:
		return nil, fmt.Errorf("%d key pairs have this name; give the id of one of them", len(keys))
	}
	return keys[0], nil
}

// Public returns an *rsa.PublicKey or an *ecdsa.PublicKey.
func (s *signer) Public() crypto.PublicKey { return s.public }

// Sign lets the token sign a digest: by RSA PKCS #1 v1.5, by RSA-PSS for *rsa.PSSOptions, or by
// ECDSA with a signature in ASN.1. The token uses its own random bytes.
func (s *signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if hash := opts.HashFunc(); hash == 0 || len(digest) != hash.Size() {
		return nil, fmt.Errorf("sign in the PKCS#11 token: %d bytes are no digest of %s", len(digest), hash)
	}
	var signature []byte
	err := s.module.use(func(context *crypto11.Context) error {
		key, err := s.in(context)
		if err != nil {
			return err
		}
		signature, err = key.Sign(nil, digest, opts)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sign with the key %s in the PKCS#11 token %q: %w", s.uri, s.module.options.Token, err)
	}
	return signature, nil
}

// in returns the key as this login sees it.
func (s *signer) in(context *crypto11.Context) (crypto.Signer, error) {
	if f := s.found.Load(); f.context == context {
		return f.key, nil
	}
	key, err := find(context, s.uri)
	if err != nil {
		return nil, err
	}
	if public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(s.public) {
		return nil, errors.New("the token has another key under that name than before")
	}
	s.found.Store(&found{context, key})
	return key, nil
}

// prove checks that a key is fit for one of [Algorithms], and that the public half belongs to the
// private one, because a program without a login may write an object with a public key.
func prove(key crypto.Signer) error {
	digest := sha256.Sum256([]byte(rand.Text()))
	switch public := key.Public().(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() < rsaBits {
			return fmt.Errorf("an RSA key of %d bits is too short: RFC 7518 §3.3 wants %d", public.N.BitLen(), rsaBits)
		}
		return proveRSA(key, public, digest[:])
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() && public.Curve != elliptic.P384() {
			return fmt.Errorf("a key on the curve %s fits none of the algorithms: P-256 and P-384 do", public.Params().Name)
		}
		signature, err := key.Sign(nil, digest[:], crypto.SHA256)
		if err != nil {
			return err
		}
		if !ecdsa.VerifyASN1(public, digest[:], signature) {
			return unproven()
		}
		return nil
	}
	return errors.New("it is neither an RSA key nor one on an elliptic curve")
}

// proveRSA tries both paddings, because a token may restrict a key to one of them.
func proveRSA(key crypto.Signer, public *rsa.PublicKey, digest []byte) error {
	signature, err := key.Sign(nil, digest, crypto.SHA256)
	if err == nil {
		err = rsa.VerifyPKCS1v15(public, crypto.SHA256, digest, signature)
	} else {
		pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
		if signature, err = key.Sign(nil, digest, pss); err != nil {
			return err
		}
		err = rsa.VerifyPSS(public, crypto.SHA256, digest, signature, pss)
	}
	if err != nil {
		return unproven()
	}
	return nil
}

func unproven() error {
	return errors.New("the public key in the token is not that of the private key: another program put it there, so check which programs may write to the token")
}
