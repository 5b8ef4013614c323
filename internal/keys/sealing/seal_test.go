package sealing_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"authserver/internal/keys/sealing"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
)

func TestMasterKey(t *testing.T) {
	made, err := sealing.NewMasterKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if m := master(t, made); len(m.ID()) != 16 || m.ID() != master(t, made).ID() || m.ID() == master(t, masterKey).ID() {
		t.Errorf("its id is %q", m.ID())
	}
	if _, err := sealing.MasterFrom([32]byte{}); err == nil || !strings.Contains(err.Error(), "generate-master") {
		t.Errorf("zeros are taken for a key: %v", err)
	}
}

// master reads a key in the form of NewMasterKey.
func master(t testing.TB, text string) sealing.Master {
	t.Helper()
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(key) != 32 {
		t.Fatalf("%d bytes of key, error %v", len(key), err)
	}
	m, err := sealing.MasterFrom([32]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMasterKeyIsNotPrinted(t *testing.T) {
	m := master(t, masterKey)
	raw, err := base64.StdEncoding.DecodeString(masterKey)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("a log line", "master", m)
	slog.New(slog.NewTextHandler(&log, nil)).Info("a log line", "master", m)
	printed := log.String() + fmt.Sprintf("%v %+v %#v %s %x %d %q %v", m, m, m, m, m, m, m, []any{&m, struct{ M sealing.Master }{m}})
	for _, secret := range []string{masterKey, string(raw), fmt.Sprintf("%x", raw), fmt.Sprint(raw)[1:20]} {
		if strings.Contains(printed, secret) {
			t.Errorf("a print shows the key: %s", printed)
		}
	}
}

func TestSealedIsOpenedByItsOwnRowAlone(t *testing.T) {
	s := openSealer(t, &storetest.DataKeyTable{})
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		id := rapid.String().Draw(t, "id")
		sealed, err := s.Seal(plain, store.SealedAs("rows", id))
		if err != nil {
			t.Fatal(err)
		}
		if len(plain) >= 4 && bytes.Contains(sealed, plain) {
			t.Fatal("the sealed value shows the plain one")
		}
		got, err := s.Open(sealed, store.SealedAs("rows", id))
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("opened %q, error %v, want %q", got, err, plain)
		}
		if other := rapid.String().Draw(t, "other id"); other != id {
			if _, err := s.Open(sealed, store.SealedAs("rows", other)); err == nil {
				t.Fatal("the sealed value opens in another row")
			}
		}
		if _, err := s.Open(sealed, store.SealedAs("others", id)); err == nil {
			t.Fatal("the sealed value opens in another table")
		}
		tampered := bytes.Clone(sealed)
		tampered[rapid.IntRange(0, len(sealed)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := s.Open(tampered, store.SealedAs("rows", id)); err == nil {
			t.Fatal("a changed value opens")
		}
		if _, err := s.Open(sealed[:rapid.IntRange(0, len(sealed)-1).Draw(t, "cut")], store.SealedAs("rows", id)); err == nil {
			t.Fatal("a cut value opens")
		}
	})
}

func TestSealingTheSameTwiceLooksDifferent(t *testing.T) {
	s := openSealer(t, &storetest.DataKeyTable{})
	var seen [2][]byte
	for i := range seen {
		var err error
		if seen[i], err = s.Seal([]byte("a secret"), "rows/1"); err != nil {
			t.Fatal(err)
		}
	}
	if bytes.Equal(seen[0], seen[1]) {
		t.Error("the same value was sealed alike twice")
	}
}

func TestAWrongMasterKeyIsNamedAndChangesNothing(t *testing.T) {
	st := &storetest.DataKeyTable{}
	openSealer(t, st)
	right := options(t, st, masterKey)
	other, err := sealing.NewMasterKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	wrong := options(t, st, other)
	_, err = sealing.Open(t.Context(), wrong)
	if err == nil {
		t.Fatal("a wrong master key opens the database")
	}
	for _, want := range []string{right.MasterID, wrong.MasterID, "master-key-file", "master-key-url", "database-url"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %q: %v", want, err)
		}
	}
	if len(st.Rows) != 1 {
		t.Errorf("the database has %d data keys, want the one", len(st.Rows))
	}
	openSealer(t, st)
}

func TestADamagedDataKeyIsAnError(t *testing.T) {
	st := &storetest.DataKeyTable{}
	openSealer(t, st)
	st.Rows[0].Sealed[30] ^= 1
	_, err := sealing.Open(t.Context(), options(t, st, masterKey))
	if err == nil || !strings.Contains(err.Error(), "data key 1") {
		t.Fatalf("error = %v, want one that names data key 1", err)
	}
	if len(st.Rows) != 1 {
		t.Errorf("the database has %d data keys, want the one", len(st.Rows))
	}
}

func TestALostDatabaseMakesNoDataKey(t *testing.T) {
	st := &storetest.DataKeyTable{Down: true}
	_, err := sealing.Open(t.Context(), options(t, st, masterKey))
	if !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("error = %v, want ErrUnavailable", err)
	}
}

func TestProcessesThatStartAtOnceShareOneDataKey(t *testing.T) {
	st := &storetest.DataKeyTable{}
	sealers := make([]*sealing.Sealer, 8)
	var wg sync.WaitGroup
	for i := range sealers {
		wg.Go(func() {
			var err error
			if sealers[i], err = sealing.Open(t.Context(), options(t, st, masterKey)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	sealed, err := sealers[0].Seal([]byte("a secret"), "rows/1")
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range sealers {
		if _, err := s.Open(sealed, "rows/1"); err != nil {
			t.Errorf("process %d: %v", i, err)
		}
	}
	if len(st.Rows) != 1 {
		t.Errorf("the database has %d data keys, want 1", len(st.Rows))
	}
}

func TestANewerDataKeySealsAndTheOlderOpens(t *testing.T) {
	st := &storetest.DataKeyTable{}
	before, err := openSealer(t, st).Seal([]byte("old"), "rows/1")
	if err != nil {
		t.Fatal(err)
	}
	o := options(t, st, masterKey)
	sealedKey, err := o.Keeper.Encrypt(t.Context(), bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	st.Rows = append(st.Rows, store.DataKey{ID: 2, MasterID: o.MasterID, Sealed: sealedKey, CreatedAt: o.Now()})
	s := openSealer(t, st)
	if plain, err := s.Open(before, "rows/1"); err != nil || string(plain) != "old" {
		t.Errorf("opened %q, error %v, want what the older key sealed", plain, err)
	}
	after, err := s.Seal([]byte("new"), "rows/1")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(after[:5], []byte{1, 0, 0, 0, 2}) {
		t.Errorf("header = %x, want version 1 and data key 2", after[:5])
	}
}

func FuzzOpen(f *testing.F) {
	s := openSealer(f, &storetest.DataKeyTable{})
	sealed, err := s.Seal([]byte("a secret"), "rows/1")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	f.Add(sealed[:5])
	f.Add(sealed[:len(sealed)-1])
	f.Add(append(bytes.Clone(sealed), 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := s.Open(b, "rows/1"); err == nil && !bytes.Equal(b, sealed) {
			t.Errorf("%x opens", b)
		}
	})
}
