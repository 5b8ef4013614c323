package server

import (
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"

	"authserver/internal/config"
)

// A command waits for its own concurrent hashes, however slow the machine is: `authserver dev`
// hashes three secrets, and once failed to start if the third had to wait for more than two
// seconds.
func TestACommandWaitsForItsOwnHashes(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // one at a time
	const cost = 14                                 // a second on a fast machine
	hasher, _, err := openAdminParts(AdminSettings{Passwords: &config.Passwords{BcryptCost: cost}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if _, err := hasher.Hash(t.Context(), strings.Repeat("a secret ", 3)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
