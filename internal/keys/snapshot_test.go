package keys_test

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"authserver/internal/keys"
	"authserver/internal/store"
)

// token is a Source whose keys stay in it, and which can be unplugged.
type token struct {
	mu        sync.Mutex
	unplugged bool
	keys      []crypto.Signer
}

func (k *token) Generate(alg string) (crypto.Signer, string, error) {
	private, err := keys.Generate(alg)
	if err != nil {
		return nil, "", err
	}
	return private, k.put(private), nil
}

// put stores a key and returns its URI.
func (k *token) put(private crypto.Signer) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = append(k.keys, private)
	return fmt.Sprintf("pkcs11:object=%d", len(k.keys)-1)
}

func (k *token) Signer(uri string) (crypto.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.unplugged {
		return nil, errors.New("the token is not plugged in")
	}
	for i, private := range k.keys {
		if uri == fmt.Sprintf("pkcs11:object=%d", i) {
			return private, nil
		}
	}
	return nil, errors.New("the token has no such key")
}

// captured returns a logger and what it has written.
func captured() (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return slog.New(slog.NewTextHandler(&b, nil)), &b
}

func TestAKeyThatCouldNotBeOpenedAtFirstIsOpenedLater(t *testing.T) {
	st, c, k := &memory{}, newClock(), &token{}
	planner, m := newManager(t, st, c), newManager(t, st, c)
	planner.Source, m.Source = k, k
	logger, log := captured()
	m.Logger = logger
	load(t, planner)
	load(t, m)
	tick(t, planner)
	next := statesAt(t, st, c.Now())[keys.Pending][0]
	k.unplugged = true
	for range 3 {
		tick(t, m)
	}
	if _, ok := m.Public(next); ok {
		t.Fatal("it publishes a key that it could not open")
	}
	if n := strings.Count(log.String(), "cannot be opened"); n != 1 || !strings.Contains(log.String(), "not plugged in") {
		t.Errorf("said %d times in three readings, want once: %s", n, log)
	}
	k.unplugged = false
	tick(t, m)
	if _, ok := m.Public(next); !ok {
		t.Fatal("the key is not published after the token was plugged in again")
	}
	st.down = true
	c.advance(timeline().RotationInterval)
	if got := signerOf(t, m, keys.ES256).KID; got != next {
		t.Errorf("%s signs, want %s", got, next)
	}
}

// Otherwise verifiers would refuse good tokens, and an attacker who can write to the database could
// cause that.
func TestARunningServerKeepsKeysWhoseRowsCannotBeOpenedAnyMore(t *testing.T) {
	for _, state := range []keys.State{keys.Pending, keys.Active, keys.Retired} {
		t.Run(string(state), func(t *testing.T) {
			st, c := &memory{}, newClock()
			m := newManager(t, st, c)
			logger, log := captured()
			m.Logger = logger
			load(t, m)
			tick(t, m)
			c.advance(timeline().RotationInterval)
			tick(t, m)
			served, signer := m.JWKS(), signerOf(t, m, keys.ES256).KID
			row := st.find(statesAt(t, st, c.Now())[state][0])
			good := bytes.Clone(row.Sealed)
			row.Sealed[40] ^= 1
			for range 3 {
				tick(t, m)
			}
			if m.JWKS().ETag != served.ETag || signerOf(t, m, keys.ES256).KID != signer || m.Ready() != nil {
				t.Error("it does not go on as before")
			}
			if n := strings.Count(log.String(), "cannot be opened"); n != 1 {
				t.Errorf("said %d times in three readings, want once: %s", n, log)
			}
			// The server reads all other changes.
			last := st.signing[len(st.signing)-1]
			if _, err := newManager(t, st, c).Revoke(t.Context(), by(), last.KID, "it leaked"); err != nil {
				t.Fatal(err)
			}
			tick(t, m)
			if _, ok := m.Public(last.KID); ok {
				t.Error("it publishes a key that was revoked")
			}
			row.Sealed = good
			tick(t, m)
		})
	}
}

func TestAPairOfAnotherAlgorithmIsNotKept(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	tick(t, m)
	pending := &st.signing[1]
	pending.Alg = keys.RS256
	if err := m.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := m.Public(pending.KID); ok {
		t.Error("it verifies by an algorithm that the key is not for")
	}
}

var _ store.SigningKeys = (*memory)(nil)
