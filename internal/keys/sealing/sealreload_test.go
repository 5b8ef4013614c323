package sealing_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"authserver/internal/keys/sealing"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
)

// addDataKey makes a data key under a master key, as a reseal does.
func addDataKey(t *testing.T, st *storetest.DataKeyTable, id uint32, text string) {
	t.Helper()
	o := options(t, st, text)
	sealed, err := o.Keeper.Encrypt(t.Context(), bytes.Repeat([]byte{byte(id)}, 32))
	if err != nil {
		t.Fatal(err)
	}
	st.Rows = append(st.Rows, store.DataKey{ID: id, MasterID: o.MasterID, Sealed: sealed, CreatedAt: o.Now()})
}

func headerOf(t *testing.T, s *sealing.Sealer) byte {
	t.Helper()
	sealed, err := s.Seal([]byte("a secret"), "rows/1")
	if err != nil {
		t.Fatal(err)
	}
	return sealed[4]
}

func TestReloadTakesInNewDataKeysAndKeepsTheOthers(t *testing.T) {
	st := &storetest.DataKeyTable{}
	s := openSealer(t, st)
	before, err := s.Seal([]byte("old"), "rows/1")
	if err != nil {
		t.Fatal(err)
	}
	reload := func() {
		t.Helper()
		if err := s.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if plain, err := s.Open(before, "rows/1"); err != nil || string(plain) != "old" {
			t.Errorf("opened %q, error %v, want what the first key sealed", plain, err)
		}
	}
	reload()
	if id := headerOf(t, s); id != 1 {
		t.Errorf("it seals under data key %d, want 1", id)
	}
	addDataKey(t, st, 2, masterKey)
	if id := headerOf(t, s); id != 1 {
		t.Errorf("it seals under data key %d before it has read it", id)
	}
	reload()
	if id := headerOf(t, s); id != 2 {
		t.Errorf("it seals under data key %d, want 2", id)
	}
	addDataKey(t, st, 3, newMaster(t)) // under a master key of another database
	reload()
	if id := headerOf(t, s); id != 2 {
		t.Errorf("it seals under data key %d, want the newest that it can open", id)
	}
	st.Rows = st.Rows[2:]
	reload() // a server that was not restarted after a reseal continues
	st.Down = true
	if err := s.Reload(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error = %v, want ErrUnavailable", err)
	}
	if id := headerOf(t, s); id != 2 {
		t.Errorf("it seals under data key %d after a reading that failed", id)
	}
	if s.MasterID() != master(t, masterKey).ID() {
		t.Errorf("it is under master key %s", s.MasterID())
	}
}

func TestReloadThatCannotOpenADataKeyChangesNothing(t *testing.T) {
	st := &storetest.DataKeyTable{}
	s := openSealer(t, st)
	addDataKey(t, st, 2, masterKey)
	addDataKey(t, st, 3, masterKey)
	st.Rows[2].Sealed[30] ^= 1
	if err := s.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "open data key 3") {
		t.Errorf("error = %v, want one that names data key 3", err)
	}
	if id := headerOf(t, s); id != 1 {
		t.Errorf("it seals under data key %d, want 1 still", id)
	}
	o := options(t, st, masterKey)
	short, err := o.Keeper.Encrypt(t.Context(), []byte("short"))
	if err != nil {
		t.Fatal(err)
	}
	st.Rows[2].Sealed = short
	if err := s.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "data key 3 is 5 bytes long and has to be 32") {
		t.Errorf("error = %v, want one that says how long it is", err)
	}
}

// A key management service may take long to open a data key.
func TestAnOlderReadingOfDataKeysNeverReplacesANewerOne(t *testing.T) {
	st := &storetest.DataKeyTable{}
	o := options(t, st, masterKey)
	gate := &gatedKeeper{Keeper: o.Keeper, began: make(chan struct{}), goOn: make(chan struct{})}
	o.Keeper = gate
	s, err := sealing.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	reload := func() {
		if err := s.Reload(t.Context()); err != nil {
			t.Error(err)
		}
	}
	addDataKey(t, st, 2, masterKey)
	gate.armed.Store(true)
	var wg sync.WaitGroup
	wg.Go(reload)
	<-gate.began
	addDataKey(t, st, 3, masterKey)
	wg.Go(reload)
	time.AfterFunc(20*time.Millisecond, func() { close(gate.goOn) })
	wg.Wait()
	if id := headerOf(t, s); id != 3 {
		t.Errorf("it seals under data key %d, want the one that the newer reading found", id)
	}
}

// gatedKeeper delays the first data key after it was armed.
type gatedKeeper struct {
	sealing.Keeper
	armed       atomic.Bool
	began, goOn chan struct{}
}

func (g *gatedKeeper) Decrypt(ctx context.Context, sealed []byte) ([]byte, error) {
	if g.armed.CompareAndSwap(true, false) {
		close(g.began)
		<-g.goOn
	}
	return g.Keeper.Decrypt(ctx, sealed)
}

func TestFailuresAreCounted(t *testing.T) {
	st := &storetest.DataKeyTable{}
	openSealer(t, st)
	o := options(t, st, masterKey)
	o.Rand = strings.NewReader("twelve bytes")
	s, err := sealing.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	counts := func(seals, opens int64) {
		t.Helper()
		if gotSeals, gotOpens := s.Failures(); gotSeals != seals || gotOpens != opens {
			t.Errorf("%d seals and %d opens failed, want %d and %d", gotSeals, gotOpens, seals, opens)
		}
	}
	sealed, err := s.Seal([]byte("a secret"), "rows/1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(sealed, "rows/1"); err != nil {
		t.Fatal(err)
	}
	counts(0, 0)
	if _, err := s.Seal([]byte("a secret"), "rows/1"); err == nil || !strings.Contains(err.Error(), "seal rows/1") {
		t.Errorf("error = %v without randomness, want one that names the row", err)
	}
	counts(1, 0)
	if _, err := s.Open(sealed, "rows/2"); err == nil || !strings.Contains(err.Error(), "open rows/2") {
		t.Errorf("error = %v, want one that names the row", err)
	}
	later := bytes.Clone(sealed)
	later[0] = 2
	if _, err := s.Open(later, "rows/1"); err == nil || !strings.Contains(err.Error(), "has layout 2 and this version knows 1") {
		t.Errorf("error = %v, want one that names the layout", err)
	}
	strange := bytes.Clone(sealed)
	strange[4] = 9
	if _, err := s.Open(strange, "rows/1"); err == nil || !strings.Contains(err.Error(), "under data key 9, which master key "+s.MasterID()+" does not open") {
		t.Errorf("error = %v, want one that names the data key", err)
	}
	counts(1, 3)
	addDataKey(t, st, 2, masterKey)
	st.Rows[1].Sealed[30] ^= 1
	if err := s.Reload(t.Context()); err == nil {
		t.Error("a damaged data key is taken in")
	}
	counts(1, 4)
}

// unreachable is a key management service that is down.
type unreachable struct{ sealing.Keeper }

func (unreachable) Encrypt(context.Context, []byte) ([]byte, error) {
	return nil, errors.New("connection refused")
}

func TestWhatCannotBeSealedIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*sealing.Options, *storetest.DataKeyTable)
		want   string
	}{
		"no randomness": {func(o *sealing.Options, _ *storetest.DataKeyTable) { o.Rand = strings.NewReader("") }, "make a data key"},
		"no way to the keeper": {func(o *sealing.Options, _ *storetest.DataKeyTable) {
			o.Keeper = unreachable{o.Keeper}
		}, "seal data key 1 under master key "},
		"no way to keep it": {func(o *sealing.Options, st *storetest.DataKeyTable) { o.Store = &unwritable{DataKeyTable: st} }, "keep the first data key"},
	} {
		st := &storetest.DataKeyTable{}
		o := options(t, st, masterKey)
		c.change(&o, st)
		if _, err := sealing.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error = %v, want one that says %q", name, err, c.want)
		}
		if len(st.Rows) != 0 {
			t.Errorf("%s: %d data keys", name, len(st.Rows))
		}
	}
	if _, err := sealing.NewMasterKey(strings.NewReader("too short")); err == nil || !strings.Contains(err.Error(), "make a master key") {
		t.Errorf("error = %v, want one that says what was not made", err)
	}
}

// unwritable refuses new data keys.
type unwritable struct{ *storetest.DataKeyTable }

func (*unwritable) CreateDataKeys(context.Context, []store.DataKey, store.Change) error {
	return store.ErrUnavailable
}
