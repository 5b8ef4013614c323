package keys

import (
	"crypto"
	"crypto/rand"
	"fmt"
	"io"
	"sync/atomic"
)

// distant is a key that is kept elsewhere. It remembers whether it signed when it
// was asked last, so that a server whose token is gone is known not to be ready.
type distant struct {
	crypto.Signer
	alg    string
	failed atomic.Bool
}

// Distant reports whether the key is kept elsewhere, and signs there.
func (s Signer) Distant() bool {
	_, distant := s.Key.(*distant)
	return distant
}

// Sign implements [crypto.Signer].
func (d *distant) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := d.Signer.Sign(random, digest, opts)
	d.failed.Store(err != nil)
	return signature, err
}

// answers returns nil if the key signed when it was asked last. If it did not, it asks
// again: a server that is not ready gets no other request that would.
func (d *distant) answers() error {
	if !d.failed.Load() {
		return nil
	}
	opts := SignerOpts(d.alg)
	if _, err := d.Sign(rand.Reader, make([]byte, opts.HashFunc().Size()), opts); err != nil {
		return fmt.Errorf("the active %s key does not sign: %w", d.alg, err)
	}
	return nil
}
