package keys

import (
	"crypto"
	"errors"
	"fmt"
	"strings"
	"sync"

	"authserver/internal/store"
)

// Source makes key pairs, in memory or in a token that they never leave.
type Source interface {
	// Generate makes a key pair for an algorithm. uri names the pair if it is kept elsewhere, and
	// is "" if the signer is the private key itself.
	Generate(alg string) (signer crypto.Signer, uri string, err error)
	// Signer returns the key pair that a URI names.
	Signer(uri string) (crypto.Signer, error)
}

// Software is the Source of keys that are kept in the database, sealed.
type Software struct{}

// Generate implements [Source].
func (Software) Generate(alg string) (crypto.Signer, string, error) {
	private, err := Generate(alg)
	return private, "", err
}

// Signer implements [Source].
func (Software) Signer(string) (crypto.Signer, error) {
	return nil, errors.New("the key is kept in a PKCS #11 token: set pkcs11-module to the library of that token")
}

// elsewhere is the beginning of the sealed value of a key that is kept elsewhere. The other sealed
// values are PKCS #8, which begins with another byte.
const elsewhere = "pkcs11:"

// isURI reports whether the sealed value of a key is the URI of the key.
func isURI(sealed []byte) bool { return strings.HasPrefix(string(sealed), elsewhere) }

// make makes a key for each of the algorithms, in parallel, as rows without moments. It records in
// failed the algorithms for which it could not.
func (m *Manager) make(algs []string, failed map[string]error) []store.SigningKey {
	var mu sync.Mutex
	var made []store.SigningKey
	var group sync.WaitGroup
	for _, alg := range algs {
		group.Go(func() {
			key, err := m.makeOne(alg)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed[alg] = &notMade{alg, err}
				return
			}
			made = append(made, key)
		})
	}
	group.Wait()
	return made
}

// notMade reports that no key could be made for an algorithm. The rest of a change is carried out
// all the same.
type notMade struct {
	alg   string
	cause error
}

func (e *notMade) Error() string { return fmt.Sprintf("make a %s key: %v", e.alg, e.cause) }
func (e *notMade) Unwrap() error { return e.cause }

func (m *Manager) makeOne(alg string) (store.SigningKey, error) {
	source := m.Source
	if encrypts(alg) { // PKCS #11 tokens sign, and few of them can decrypt
		source = Software{}
	}
	private, uri, err := source.Generate(alg)
	if err != nil {
		return store.SigningKey{}, err
	}
	return newKey(m.Sealer, alg, private, uri)
}
