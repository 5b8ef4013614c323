package sealing

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

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

// Sealer seals values before they go into a row and opens them again, with AES-256-GCM. It is safe
// for concurrent use, and uses the database and the keeper only in Open and Reload.
type Sealer struct {
	options   Options
	reloading sync.Mutex // so that an older reading never replaces a newer one
	loaded    atomic.Pointer[dataKeys]

	sealsFailed, opensFailed atomic.Int64
}

// dataKeys are the data keys that are open. They do not change.
type dataKeys struct {
	aeads   map[uint32]cipher.AEAD
	current uint32 // the newest
}

// Options is what Open needs, all of it.
type Options struct {
	Store    store.DataKeys
	Keeper   Keeper      // seals the data keys: the master key, or a key management service
	MasterID string      // names the key of Keeper
	Actor    store.Actor // of the event of the first data key
	Now      func() time.Time
	Rand     io.Reader
}

// Open opens the data keys with the keeper, and makes the first one in a database that has none. If
// the database is sealed under another master key, it returns an error that names both keys, and
// changes nothing.
func Open(ctx context.Context, o Options) (*Sealer, error) {
	s := &Sealer{options: o}
	s.loaded.Store(&dataKeys{})
	rows, err := o.Store.DataKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the data keys: %w", err)
	}
	if len(rows) == 0 {
		// Of several processes that start at once, one makes the data key, and all read it.
		if err := createDataKey(ctx, o); err != nil {
			return nil, err
		}
	}
	if err := s.Reload(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Reload adds data keys that were made since. It keeps those that it has.
func (s *Sealer) Reload(ctx context.Context) error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	rows, err := s.options.Store.DataKeys(ctx)
	if err != nil {
		return fmt.Errorf("read the data keys: %w", err)
	}
	before := s.loaded.Load()
	next := &dataKeys{aeads: maps.Clone(before.aeads), current: before.current}
	if next.aeads == nil {
		next.aeads = make(map[uint32]cipher.AEAD)
	}
	for _, row := range rows {
		if _, open := next.aeads[row.ID]; open || row.MasterID != s.options.MasterID {
			continue
		}
		if next.aeads[row.ID], err = openDataKey(ctx, s.options, row); err != nil {
			s.opensFailed.Add(1)
			return err
		}
		next.current = max(next.current, row.ID)
	}
	if len(next.aeads) == 0 {
		return fmt.Errorf("the database is sealed under master key %s, but %s was given: set master-key-file, or master-key-url,"+
			" to the key that the database was made with, or database-url to the database that belongs to this key",
			strings.Join(masters(rows), " and "), s.options.MasterID)
	}
	s.loaded.Store(next)
	return nil
}

// masters returns the names of the master keys under which data keys are sealed.
func masters(rows []store.DataKey) []string {
	var ids []string
	for _, row := range rows {
		ids = append(ids, row.MasterID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// MasterID names the master key.
func (s *Sealer) MasterID() string { return s.options.MasterID }

// Failures returns how many values could not be sealed, and how many sealed values could not be
// opened.
func (s *Sealer) Failures() (seals, opens int64) { return s.sealsFailed.Load(), s.opensFailed.Load() }

func createDataKey(ctx context.Context, o Options) error {
	plain, err := newDataKey(o.Rand)
	if err != nil {
		return err
	}
	row, err := sealDataKey(ctx, o, 1, plain)
	if err != nil {
		return err
	}
	err = o.Store.CreateDataKeys(ctx, []store.DataKey{row}, store.Change{Actor: o.Actor, Event: store.DataKeyCreated, At: row.CreatedAt})
	if err != nil && !errors.Is(err, store.ErrExists) {
		return fmt.Errorf("keep the first data key: %w", err)
	}
	return nil
}

func newDataKey(rand io.Reader) ([]byte, error) {
	plain := make([]byte, dataKeySize)
	if _, err := io.ReadFull(rand, plain); err != nil {
		return nil, fmt.Errorf("make a data key: %w", err)
	}
	return plain, nil
}

func sealDataKey(ctx context.Context, o Options, id uint32, plain []byte) (store.DataKey, error) {
	sealed, err := o.Keeper.Encrypt(ctx, plain)
	if err != nil {
		return store.DataKey{}, fmt.Errorf("seal data key %d under master key %s: %w", id, o.MasterID, err)
	}
	return store.DataKey{ID: id, MasterID: o.MasterID, Sealed: sealed, CreatedAt: store.At(o.Now())}, nil
}

func openDataKey(ctx context.Context, o Options, row store.DataKey) (cipher.AEAD, error) {
	plain, err := unsealDataKey(ctx, o, row)
	if err != nil {
		return nil, err
	}
	return newGCM(plain)
}

func unsealDataKey(ctx context.Context, o Options, row store.DataKey) ([]byte, error) {
	plain, err := o.Keeper.Decrypt(ctx, row.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open data key %d with master key %s, under which it was sealed: %w"+
			" (where this stays so the row is damaged: restore the table data_keys from a backup)", row.ID, o.MasterID, err)
	}
	if len(plain) != dataKeySize {
		return nil, fmt.Errorf("data key %d is %d bytes long and has to be %d: restore the table data_keys from a backup", row.ID, len(plain), dataKeySize)
	}
	return plain, nil
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

// Seal encrypts plain so that only Open with the same as returns it. as is the result of
// [store.SealedAs] for the row.
func (s *Sealer) Seal(plain []byte, as string) ([]byte, error) {
	keys := s.loaded.Load()
	out := make([]byte, sealHeader+sealNonce, sealHeader+sealNonce+len(plain)+sealTag)
	out[0] = sealVersion
	binary.BigEndian.PutUint32(out[1:], keys.current)
	nonce := out[sealHeader:]
	if _, err := io.ReadFull(s.options.Rand, nonce); err != nil {
		s.sealsFailed.Add(1)
		return nil, fmt.Errorf("seal %s: read random bytes: %w", as, err)
	}
	return keys.aeads[keys.current].Seal(out, nonce, plain, []byte(as)), nil
}

// Open decrypts the result of Seal with the same as. It fails if the value was changed, cut, or
// taken from another row.
func (s *Sealer) Open(sealed []byte, as string) ([]byte, error) {
	plain, err := s.open(sealed, as)
	if err != nil {
		s.opensFailed.Add(1)
		return nil, fmt.Errorf("open %s: %w", as, err)
	}
	return plain, nil
}

func (s *Sealer) open(sealed []byte, as string) ([]byte, error) {
	if len(sealed) < sealHeader+sealNonce+sealTag {
		return nil, errors.New("the sealed value is cut short: restore the row from a backup")
	}
	if sealed[0] != sealVersion {
		return nil, fmt.Errorf("the sealed value has layout %d and this version knows %d: it is damaged, or a later version wrote it",
			sealed[0], sealVersion)
	}
	id := dataKeyOf(sealed)
	aead, ok := s.loaded.Load().aeads[id]
	if !ok {
		return nil, fmt.Errorf("it is sealed under data key %d, which master key %s does not open: finish the reseal that is under way,"+
			" or restore the table data_keys from a backup", id, s.options.MasterID)
	}
	nonce, text := sealed[sealHeader:sealHeader+sealNonce], sealed[sealHeader+sealNonce:]
	plain, err := aead.Open(nil, nonce, text, []byte(as))
	if err != nil {
		return nil, errors.New("the sealed value was changed or belongs to another row: restore the row from a backup")
	}
	return plain, nil
}

// dataKeyOf returns the id of the data key of a sealed value, or 0 if the value is cut short.
func dataKeyOf(sealed []byte) uint32 {
	if len(sealed) < sealHeader {
		return 0
	}
	return binary.BigEndian.Uint32(sealed[1:])
}
