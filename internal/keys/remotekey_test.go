package keys_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"authserver/internal/keys"
)

// flaky is a token that can be unplugged while it is in use.
type flaky struct {
	token
	out atomic.Bool
}

func (k *flaky) Signer(uri string) (crypto.Signer, error) {
	private, err := k.token.Signer(uri)
	return pulled{private, k}, err
}

type pulled struct {
	crypto.Signer
	of *flaky
}

func (p pulled) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if p.of.out.Load() {
		return nil, errors.New("the token is gone")
	}
	return p.Signer.Sign(random, digest, opts)
}

// A server whose PKCS #11 token is gone is not ready after the first failed signature. It is ready
// again when the token is back, although no client has sent a token request since.
func TestAServerWhoseTokenIsGoneIsNotReady(t *testing.T) {
	for _, c := range []struct {
		alg  string
		opts crypto.SignerOpts
	}{
		{keys.RS256, crypto.SHA256},
		{keys.PS256, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}},
		{keys.ES256, crypto.SHA256},
		{keys.ES384, crypto.SHA384},
	} {
		t.Run(c.alg, func(t *testing.T) {
			k := &flaky{}
			m := newManager(t, &memory{resources: []string{c.alg}}, newClock())
			m.Source = k
			load(t, m)
			sign := func() error {
				digest := make([]byte, c.opts.HashFunc().Size())
				_, err := signerOf(t, m, c.alg).Key.Sign(rand.Reader, digest, c.opts)
				return err
			}
			k.out.Store(true)
			if err := m.Ready(); err != nil {
				t.Errorf("no signature has failed, and it is not ready: %v", err)
			}
			if err := sign(); err == nil {
				t.Fatal("a token that is gone signs")
			}
			if err := m.Ready(); err == nil || !strings.Contains(err.Error(), c.alg) || !strings.Contains(err.Error(), "the token is gone") {
				t.Errorf("error = %v, want one that names the algorithm and says why", err)
			}
			k.out.Store(false)
			if err := errors.Join(m.Ready(), sign()); err != nil {
				t.Errorf("the token is back: %v", err)
			}
		})
	}
}
