package keys_test

import (
	"bytes"
	"crypto/rand"
	"path/filepath"
	"sync"
	"testing"

	"authserver/internal/keys"
)

// Replicas that start at the same time, restart or rotate all other keys make the same pairwise
// subjects.
func TestSubjectSecretNeverChanges(t *testing.T) {
	path, c := filepath.Join(t.TempDir(), "test.db"), newClock()
	open := func() *keys.SubjectSecret {
		db := openEngine(t, path)
		return &keys.SubjectSecret{Store: db, Sealer: openSealer(t, db), Actor: by().Actor, Now: c.Now, Rand: rand.Reader}
	}
	if _, err := open().Get(); err == nil {
		t.Error("a secret before any was made")
	}
	replicas := make([]*keys.SubjectSecret, 4)
	for i := range replicas {
		replicas[i] = open()
	}
	var wg sync.WaitGroup
	for _, r := range replicas {
		wg.Go(func() {
			if err := r.Load(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	first, err := replicas[0].Get()
	if err != nil || len(first) != 32 {
		t.Fatalf("%d bytes: %v", len(first), err)
	}
	restarted := open()
	if err := restarted.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range append(replicas, restarted) {
		if secret, err := r.Get(); err != nil || !bytes.Equal(secret, first) {
			t.Errorf("another secret: %v", err)
		}
	}
}
