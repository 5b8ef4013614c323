package keys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"authserver/internal/store"
)

const (
	refreshPurpose = "refresh"
	secretKeySize  = 32 // bytes, for HMAC-SHA-256
)

// SecretKeys is the symmetric keys of one purpose, unsealed.
type SecretKeys struct {
	ByID    map[uint32][]byte // 32 bytes each
	Current uint32            // the newest, which makes new tokens
}

// RefreshKeys reads the keys that authenticate refresh tokens and makes the
// first one in a database that has none. A key that cannot be opened is an
// error: without it refresh tokens that are out would be refused.
func RefreshKeys(ctx context.Context, st store.SecretKeys, sealer *Sealer, now func() time.Time, rand io.Reader) (SecretKeys, error) {
	rows, err := st.SecretKeys(ctx, refreshPurpose)
	if err != nil {
		return SecretKeys{}, fmt.Errorf("read the refresh token keys: %w", err)
	}
	if len(rows) == 0 {
		if err := createRefreshKey(ctx, st, sealer, now, rand); err != nil {
			return SecretKeys{}, err
		}
		// Read back: of several processes that start at once one made it.
		if rows, err = st.SecretKeys(ctx, refreshPurpose); err != nil {
			return SecretKeys{}, fmt.Errorf("read the refresh token keys: %w", err)
		}
	}
	out := SecretKeys{ByID: make(map[uint32][]byte, len(rows))}
	for _, row := range rows {
		plain, err := sealer.Open(row.Sealed, secretKeyAs(row.ID))
		if err != nil {
			return SecretKeys{}, fmt.Errorf("refresh token key %d: %w", row.ID, err)
		}
		out.ByID[row.ID] = plain
		out.Current = max(out.Current, row.ID)
	}
	if len(out.ByID) == 0 {
		return SecretKeys{}, errors.New("the refresh token key that was just made is not in the database: check that only authserver writes to it")
	}
	return out, nil
}

func createRefreshKey(ctx context.Context, st store.SecretKeys, sealer *Sealer, now func() time.Time, rand io.Reader) error {
	const first = 1
	plain := make([]byte, secretKeySize)
	if _, err := io.ReadFull(rand, plain); err != nil {
		return fmt.Errorf("make the first refresh token key: %w", err)
	}
	sealed, err := sealer.Seal(plain, secretKeyAs(first))
	if err != nil {
		return fmt.Errorf("make the first refresh token key: %w", err)
	}
	err = st.CreateSecretKey(ctx, store.SecretKey{Purpose: refreshPurpose, ID: first, Sealed: sealed, CreatedAt: store.At(now())})
	if err != nil && !errors.Is(err, store.ErrExists) {
		return fmt.Errorf("keep the first refresh token key: %w", err)
	}
	return nil
}

func secretKeyAs(id uint32) string {
	return store.SealedAs("secret_keys", refreshPurpose+"/"+strconv.FormatUint(uint64(id), 10))
}
