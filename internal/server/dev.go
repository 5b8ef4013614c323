package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"authserver/internal/admin"
	"authserver/internal/config"
	"authserver/internal/keys/sealing"
)

// PrepareDev makes what dev needs and what is missing: the folders, the master key, the schema and
// the demo. It returns the settings with the master key.
func PrepareDev(ctx context.Context, by admin.Call, s config.Server) (config.Server, error) {
	if path, ok := sqlitePath(s.Database); ok {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return s, fmt.Errorf("make the folder of the database: %w", err)
		}
	}
	if s.MasterKey.Empty() && s.MasterKeyURL == "" {
		key, err := makeMasterKey(s.MasterKeyFile)
		if err != nil {
			return s, err
		}
		s.MasterKey = config.NewSecret(key)
	}
	st, err := OpenStore(ctx, s.Database, slog.New(slog.DiscardHandler))
	if err != nil {
		return s, err
	}
	defer st.Close()
	if err := prepare(ctx, st, s.Schema); err != nil {
		return s, err
	}
	a, ring, err := openAdmin(ctx, st, AdminSettings{
		Database: s.Database, Sealing: &s.Sealing, PKCS11: s.PKCS11, Timeline: &s.Timeline, AccessTokens: s.AccessTokens, Clocks: s.Clocks,
		Passwords: &s.Passwords, Identity: s.Identity, TLS: s.TLS, NewResources: s.NewResources, NewClients: s.NewClients,
		Assertions: s.Assertions, ClientAssertions: s.ClientAssertions,
	})
	if err != nil {
		return s, err
	}
	if err := a.Seed(ctx, by); err != nil {
		return s, errors.Join(fmt.Errorf("register the demo: %w", err), ring.Close())
	}
	return s, ring.Close()
}

// makeMasterKey puts a new master key into the file, whole or not at all. If another process came
// first, it reads that process's key.
func makeMasterKey(path string) (string, error) {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("make the folder of the master key: %w", err)
	}
	key, err := sealing.NewMasterKey(rand.Reader)
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp(folder, ".master-key-*") // mode 0600
	if err != nil {
		return "", fmt.Errorf("keep the master key: %w", err)
	}
	_, err = file.WriteString(key + "\n")
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Link(file.Name(), path)
	}
	if removed := os.Remove(file.Name()); removed != nil && err == nil {
		err = removed
	}
	if errors.Is(err, fs.ErrExist) {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("read the master key: %w", err)
		}
		return string(text), nil
	}
	if err != nil {
		return "", fmt.Errorf("keep the master key: %w", err)
	}
	return key, nil
}
