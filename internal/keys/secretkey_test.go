package keys_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
	"authserver/internal/store"
)

func refreshKeys(t *testing.T, st *memory, s *keys.Sealer) (keys.SecretKeys, error) {
	t.Helper()
	return keys.RefreshKeys(t.Context(), st, s, newClock().Now, rand.Reader)
}

func TestRefreshKeys(t *testing.T) {
	st := &memory{}
	s := openSealer(t, st)
	sets := make([]keys.SecretKeys, 8)
	var wg sync.WaitGroup
	for i := range sets {
		wg.Go(func() {
			var err error
			if sets[i], err = refreshKeys(t, st, s); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, set := range sets {
		if diff := cmp.Diff(sets[0], set); diff != "" {
			t.Errorf("processes that started at once disagree: %s", diff)
		}
	}
	if len(st.secret) != 1 || sets[0].Current != 1 || len(sets[0].ByID[1]) != 32 {
		t.Errorf("%d rows, current %d, %d bytes; want 1, 1 and 32", len(st.secret), sets[0].Current, len(sets[0].ByID[1]))
	}
	if strings.Contains(string(st.secret[0].Sealed), string(sets[0].ByID[1])) {
		t.Error("the row shows the key")
	}
}

func TestTheNewestRefreshKeyIsTheCurrentOne(t *testing.T) {
	st := &memory{}
	s := openSealer(t, st)
	first, err := refreshKeys(t, st, s)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := s.Seal(make([]byte, 32), store.SealedAs("secret_keys", "refresh/2"))
	if err != nil {
		t.Fatal(err)
	}
	st.secret = append(st.secret, store.SecretKey{Purpose: "refresh", ID: 2, Sealed: sealed})
	both, err := refreshKeys(t, st, s)
	if err != nil {
		t.Fatal(err)
	}
	want := keys.SecretKeys{ByID: map[uint32][]byte{1: first.ByID[1], 2: make([]byte, 32)}, Current: 2}
	if diff := cmp.Diff(want, both); diff != "" {
		t.Errorf("keys (-want +got): %s", diff)
	}
}

func TestARefreshKeyThatCannotBeOpenedIsAnErrorAndNotReplaced(t *testing.T) {
	st := &memory{}
	s := openSealer(t, st)
	if _, err := refreshKeys(t, st, s); err != nil {
		t.Fatal(err)
	}
	st.secret[0].Sealed[20] ^= 1
	if _, err := refreshKeys(t, st, s); err == nil || !strings.Contains(err.Error(), "refresh token key 1") {
		t.Errorf("error = %v, want one that names the key", err)
	}
	if len(st.secret) != 1 {
		t.Errorf("%d rows, want the one", len(st.secret))
	}
	st.down = true
	if _, err := refreshKeys(t, st, s); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error = %v, want ErrUnavailable", err)
	}
}
