package keys

import (
	"crypto"
	"crypto/rand"
	"fmt"
	"io"
	"sync/atomic"
)

// remoteKey is a key outside this process, for example in a PKCS #11 token. It remembers whether the
// last signature succeeded, so that a server whose token is gone is not ready.
type remoteKey struct {
	crypto.Signer
	alg    string
	failed atomic.Bool
}

// Remote reports whether the key is outside this process and signs there.
func (s Signer) Remote() bool {
	_, distant := s.Key.(*remoteKey)
	return distant
}

// Sign implements [crypto.Signer].
func (d *remoteKey) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := d.Signer.Sign(random, digest, opts)
	d.failed.Store(err != nil)
	return signature, err
}

// answers returns nil if the key signed when it was asked last. If it did not, it asks
// again: a server that is not ready gets no other request that would.
func (d *remoteKey) answers() error {
	if !d.failed.Load() {
		return nil
	}
	opts := SignerOpts(d.alg)
	if _, err := d.Sign(rand.Reader, make([]byte, opts.HashFunc().Size()), opts); err != nil {
		return fmt.Errorf("the active %s key does not sign: %w", d.alg, err)
	}
	return nil
}
