package keys

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"gocloud.dev/secrets"

	"authserver/internal/store"
)

// A sealed value is: layout version, 1 byte | data key id, 4, big endian |
// nonce, 12 | ciphertext with its tag, 16 longer than the plain text.
const (
	sealVersion = 1
	sealHeader  = 1 + 4
	sealNonce   = 12
	sealTag     = 16
	dataKeySize = 32 // AES-256
)

// Sealer seals values before they go into a row and opens them again, with
// AES-256-GCM. It is safe for concurrent use, and asks neither the database nor
// the keeper once it is open.
type Sealer struct {
	rand    io.Reader
	aeads   map[uint32]cipher.AEAD
	current uint32
}

// SealerOptions is what OpenSealer needs, all of it.
type SealerOptions struct {
	Store    store.DataKeys
	Keeper   *secrets.Keeper // seals the data keys: the master key, or a key management service
	MasterID string          // names what is behind Keeper
	Now      func() time.Time
	Rand     io.Reader
}

// OpenSealer unseals the data keys through the keeper and makes the first one in
// a database that has none. Where the database is sealed under another master
// key it is an error that names both, and nothing is changed.
func OpenSealer(ctx context.Context, o SealerOptions) (*Sealer, error) {
	rows, err := o.Store.DataKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the data keys: %w", err)
	}
	if len(rows) == 0 {
		if err := createDataKey(ctx, o); err != nil {
			return nil, err
		}
		// Read back: of several processes that start at once one made it.
		if rows, err = o.Store.DataKeys(ctx); err != nil {
			return nil, fmt.Errorf("read the data keys: %w", err)
		}
	}
	s := &Sealer{rand: o.Rand, aeads: make(map[uint32]cipher.AEAD, len(rows))}
	for _, row := range rows {
		aead, err := openDataKey(ctx, o, row)
		if err != nil {
			return nil, err
		}
		s.aeads[row.ID] = aead
		s.current = max(s.current, row.ID)
	}
	if len(s.aeads) == 0 {
		return nil, errors.New("the data key that was just made is not in the database: check that only authserver writes to it")
	}
	return s, nil
}

func createDataKey(ctx context.Context, o SealerOptions) error {
	plain := make([]byte, dataKeySize)
	if _, err := io.ReadFull(o.Rand, plain); err != nil {
		return fmt.Errorf("make the first data key: %w", err)
	}
	sealed, err := o.Keeper.Encrypt(ctx, plain)
	if err != nil {
		return fmt.Errorf("seal the first data key under master key %s: %w", o.MasterID, err)
	}
	err = o.Store.CreateDataKey(ctx, store.DataKey{ID: 1, MasterID: o.MasterID, Sealed: sealed, CreatedAt: store.At(o.Now())})
	if err != nil && !errors.Is(err, store.ErrExists) {
		return fmt.Errorf("keep the first data key: %w", err)
	}
	return nil
}

func openDataKey(ctx context.Context, o SealerOptions, row store.DataKey) (cipher.AEAD, error) {
	if row.MasterID != o.MasterID {
		return nil, fmt.Errorf("the database is sealed under master key %s, but %s was given: set --master-key-file or AUTHSERVER_MASTER_KEY"+
			" to the key that the database was made with, or --database-url to the database that belongs to this key", row.MasterID, o.MasterID)
	}
	plain, err := o.Keeper.Decrypt(ctx, row.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open data key %d with master key %s, under which it was sealed: %w"+
			" (where this stays so the row is damaged: restore the table data_keys from a backup)", row.ID, o.MasterID, err)
	}
	if len(plain) != dataKeySize {
		return nil, fmt.Errorf("data key %d is %d bytes long and has to be %d: restore the table data_keys from a backup", row.ID, len(plain), dataKeySize)
	}
	return newGCM(plain)
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("set up AES: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("set up GCM: %w", err)
	}
	return aead, nil
}

// Seal encrypts plain so that only Open with the same as gives it back. as is
// what [store.SealedAs] returns for the row.
func (s *Sealer) Seal(plain []byte, as string) ([]byte, error) {
	out := make([]byte, sealHeader+sealNonce, sealHeader+sealNonce+len(plain)+sealTag)
	out[0] = sealVersion
	binary.BigEndian.PutUint32(out[1:], s.current)
	nonce := out[sealHeader:]
	if _, err := io.ReadFull(s.rand, nonce); err != nil {
		return nil, fmt.Errorf("seal %s: read random bytes: %w", as, err)
	}
	return s.aeads[s.current].Seal(out, nonce, plain, []byte(as)), nil
}

// Open decrypts what Seal returned for the same as. It fails where the value was
// changed, cut, or taken from another row.
func (s *Sealer) Open(sealed []byte, as string) ([]byte, error) {
	if len(sealed) < sealHeader+sealNonce+sealTag {
		return nil, fmt.Errorf("open %s: the sealed value is cut short: restore the row from a backup", as)
	}
	if sealed[0] != sealVersion {
		return nil, fmt.Errorf("open %s: the sealed value has layout %d and this version knows %d: it is damaged, or a later version wrote it",
			as, sealed[0], sealVersion)
	}
	id := binary.BigEndian.Uint32(sealed[1:])
	aead, ok := s.aeads[id]
	if !ok {
		return nil, fmt.Errorf("open %s: it is sealed under data key %d, which this process has not loaded: restart it, or restore the table data_keys from a backup", as, id)
	}
	nonce, text := sealed[sealHeader:sealHeader+sealNonce], sealed[sealHeader+sealNonce:]
	plain, err := aead.Open(nil, nonce, text, []byte(as))
	if err != nil {
		return nil, fmt.Errorf("open %s: the sealed value was changed or belongs to another row: restore the row from a backup", as)
	}
	return plain, nil
}
