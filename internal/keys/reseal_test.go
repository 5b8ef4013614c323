package keys_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
	"authserver/internal/keys/sealing"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
)

func TestResealMovesEverything(t *testing.T) {
	v, next := newVault(t), newMaster(t)
	v.c.advance(time.Hour)
	signerOf(t, v.m, keys.ES256)
	made, err := v.db.DataKeys(t.Context())
	v.ok(err)
	done := v.run(masterKey(), next)
	want := sealing.Resealed{
		From: masterKey().ID(), To: next.ID(), DataKey: 2,
		Resealed: map[string]int{"signing_keys": 2, "secret_keys": 2, "issuers": 1},
	}
	if diff := cmp.Diff(want, done); diff != "" {
		t.Errorf("resealed (-want +got): %s", diff)
	}
	values, err := v.db.SealedValues(t.Context())
	v.ok(err)
	for _, value := range values {
		if id := value.Sealed[4]; id != 2 {
			t.Errorf("%s/%s is under data key %d", value.Table, value.ID, id)
		}
	}
	rows, err := v.db.DataKeys(t.Context())
	v.ok(err)
	if len(rows) != 4 || !rows[0].CreatedAt.Equal(made[0].CreatedAt) || !rows[1].CreatedAt.Equal(made[0].CreatedAt) {
		t.Errorf("%d data keys, and the first is as old as %v and %v", len(rows), rows[0].CreatedAt, rows[1].CreatedAt)
	}
	v.goesOn(v.m.Sealer)
	// The use of the keys is written as before.
	v.ok(v.m.FlushUse(t.Context()))
	if plan, err := v.db.KeyPlan(t.Context(), v.c.Now()); err != nil || !plan.Keys[0].LastUsedAt.Equal(v.c.Now()) {
		t.Errorf("the key was last used at %v, %v; want what was noted before", plan.Keys[0].LastUsedAt, err)
	}
	// Until the end both master keys work, for servers and for what they add.
	for _, given := range []sealing.Master{masterKey(), next} {
		s := v.sealer(given)
		v.goesOn(s)
		v.issuer(s, "https://"+s.MasterID())
		v.plain = v.opened(v.sealer(next))
		if diff := cmp.Diff(v.plain, v.opened(v.sealer(masterKey()))); diff != "" {
			t.Errorf("master key %s seals what the other does not open: %s", given.ID(), diff)
		}
	}
	if again := v.run(masterKey(), next); len(again.Resealed) != 0 || again.DataKey != 2 {
		t.Errorf("a second run did %+v", again)
	}
	over, err := sealing.Finish(t.Context(), by(), v.db, v.sealer(next))
	if diff := cmp.Diff([]string{masterKey().ID()}, over); diff != "" || err != nil {
		t.Errorf("finished, %v (-want +got): %s", err, diff)
	}
	v.refused(masterKey(), next)
	v.goesOn(v.sealer(next))
	if rows, err := v.db.DataKeys(t.Context()); err != nil || len(rows) != 1 || rows[0].ID != 2 {
		t.Errorf("%d data keys, %v; want the one under which everything is", len(rows), err)
	}
	if over, err := sealing.Finish(t.Context(), by(), v.db, v.sealer(next)); err != nil || len(over) != 0 {
		t.Errorf("finished twice: %v, %v", over, err)
	}
	// The server that was not restarted continues, and the reseal can be undone.
	v.ok(v.m.Sealer.Reload(t.Context()))
	v.goesOn(v.m.Sealer)
	if back := v.run(next, masterKey()); back.DataKey != 3 {
		t.Errorf("the way back did %+v", back)
	}
	v.goesOn(v.sealer(masterKey()))
}

func TestFinishResealWithTheOldMasterKeyTakesItBack(t *testing.T) {
	v, next := newVault(t), newMaster(t)
	v.run(masterKey(), next)
	over, err := sealing.Finish(t.Context(), by(), v.db, v.sealer(masterKey()))
	if diff := cmp.Diff([]string{next.ID()}, over); diff != "" || err != nil {
		t.Errorf("taken back, %v (-want +got): %s", err, diff)
	}
	v.refused(next, masterKey())
	v.goesOn(v.sealer(masterKey()))
}

func TestResealsAreRefused(t *testing.T) {
	v, next, third := newVault(t), newMaster(t), newMaster(t)
	refused := func(name string, from, to sealing.Master, want string) {
		t.Helper()
		r, err := v.reseal(v.db, from, to)
		v.ok(err)
		before, err := v.db.DataKeys(t.Context())
		v.ok(err)
		if _, err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error = %v, want one that says %q", name, err, want)
		}
		after, err := v.db.DataKeys(t.Context())
		v.ok(err)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s: the data keys changed: %s", name, diff)
		}
	}
	refused("to the same", masterKey(), masterKey(), "is sealed under master key "+masterKey().ID()+" already")
	v.run(masterKey(), next)
	refused("to a third one meanwhile", masterKey(), third, "a reseal to master key "+next.ID()+" is under way: finish it first")
	refused("to a third one meanwhile, from the new one", next, third, "a reseal to master key "+masterKey().ID()+" is under way: finish it first")
	v.goesOn(v.sealer(next))
	// A key management service that has other key material under the same name.
	r, err := v.reseal(v.db, masterKey(), next)
	v.ok(err)
	r.Keeper = third.Keeper()
	if _, err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "open data key 1 with master key "+r.Master) {
		t.Errorf("the wrong key under the right name: error = %v", err)
	}
	o := sealerOptions(t, v.db, masterKey())
	o.Keeper = third.Keeper()
	if _, err := sealing.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "open data key 1 with master key "+o.MasterID) {
		t.Errorf("the wrong key under the right name: error = %v", err)
	}
	v.goesOn(v.sealer(masterKey()))
}

// Two administrators begin at the same time.
func TestOfTwoResealsThatBeginAtOnceOneIsRefused(t *testing.T) {
	v, next, third := newVault(t), newMaster(t), newMaster(t)
	other, err := v.reseal(v.db, masterKey(), third)
	v.ok(err)
	first := &resealWire{ResealStore: v.db, before: func(call string) {
		if call == "CreateDataKeys" {
			if _, err := other.Run(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}}
	r, err := v.reseal(first, masterKey(), next)
	v.ok(err)
	if _, err := r.Run(t.Context()); !errors.Is(err, store.ErrExists) || !strings.Contains(err.Error(), "try again") {
		t.Errorf("error = %v, want ErrExists, and to try again", err)
	}
	v.refused(next, third)
	v.goesOn(v.sealer(third))
}

// A server that does not know the new data key yet continues to seal under the old one.
func TestWhatAServerAddsMeanwhileIsMovedToo(t *testing.T) {
	v, next := newVault(t), newMaster(t)
	deaf := v.sealer(masterKey())
	added := 0
	st := &resealWire{ResealStore: v.db, before: func(call string) {
		if call == "ReplaceSealed" && added < 3 {
			added++
			v.issuer(deaf, fmt.Sprintf("https://%d.example.com", added))
		}
	}}
	r, err := v.reseal(st, masterKey(), next)
	v.ok(err)
	done, err := r.Run(t.Context())
	v.ok(err)
	if done.Resealed["issuers"] != 4 {
		t.Errorf("%d issuers were resealed, want 4", done.Resealed["issuers"])
	}
	v.issuer(deaf, "https://late.example.com")
	for _, given := range []sealing.Master{masterKey(), next} {
		if _, err := sealing.Finish(t.Context(), by(), v.db, v.sealer(given)); err == nil || !strings.Contains(err.Error(), "rows that are sealed under an older data key still: 1") {
			t.Errorf("error = %v, want one that says how many rows are left", err)
		}
	}
	v.plain = v.opened(v.sealer(next))
	v.goesOn(v.sealer(masterKey()))
	if done := v.run(masterKey(), next); done.Resealed["issuers"] != 1 {
		t.Errorf("the second run did %+v", done)
	}
	_, err = sealing.Finish(t.Context(), by(), v.db, v.sealer(next))
	v.ok(err)
	v.goesOn(v.sealer(next))
}

// The reseal looks again at a row that is changed or removed meanwhile.
func TestWhatIsChangedMeanwhileIsNotPutBack(t *testing.T) {
	v, next := newVault(t), newMaster(t)
	const idp = "https://idp.example.com"
	v.issuer(v.m.Sealer, "https://gone.example.com")
	moved := 0
	st := &resealWire{ResealStore: v.db, before: func(call string) {
		if call != "ReplaceSealed" {
			return
		}
		moved++
		if moved > 1 {
			return
		}
		i, err := v.db.Issuer(t.Context(), idp)
		v.ok(err)
		i.SealedSecret, err = v.m.Sealer.Seal([]byte("another secret"), store.SealedAs("issuers", idp))
		v.ok(err)
		v.ok(v.db.UpdateIssuer(t.Context(), i, storetest.By()))
		v.ok(v.db.DeleteIssuer(t.Context(), "https://gone.example.com", storetest.By()))
	}}
	r, err := v.reseal(st, masterKey(), next)
	v.ok(err)
	done, err := r.Run(t.Context())
	v.ok(err)
	if done.Remaining != 0 || moved < 6 {
		t.Errorf("%d were moved, %d remain", moved, done.Remaining)
	}
	v.plain[store.SealedAs("issuers", idp)] = "another secret"
	v.goesOn(v.sealer(next))
}

func TestAResealThatIsInterruptedAnywhereGoesOn(t *testing.T) {
	for _, done := range []bool{false, true} { // whether the failed call was carried out
		for n := 1; ; n++ {
			v, next := newVault(t), newMaster(t)
			st := &failingWire{db: v.db, at: n, done: done}
			interrupted := func() error {
				r, err := v.reseal(st, masterKey(), next)
				if err != nil {
					return err
				}
				_, err = r.Run(t.Context())
				return err
			}
			err := interrupted()
			if err == nil {
				t.Logf("a whole reseal is %d calls", n-1)
				if n < 10 {
					t.Errorf("%d calls for five values", n-1)
				}
				break
			}
			if !errors.Is(err, errCut) {
				t.Fatalf("call %d: %v", n, err)
			}
			v.goesOn(v.sealer(masterKey())) // nothing is lost
			v.run(masterKey(), next)
			for _, given := range []sealing.Master{masterKey(), next} {
				v.goesOn(v.sealer(given))
			}
			_, err = sealing.Finish(t.Context(), by(), v.db, v.sealer(next))
			v.ok(err)
			v.refused(masterKey(), next)
			v.goesOn(v.sealer(next))
			if t.Failed() {
				t.Fatalf("after call %d was interrupted, carried out: %v", n, done)
			}
		}
	}
}

func TestFinishResealThatFailsChangesNothing(t *testing.T) {
	v, next := newVault(t), newMaster(t)
	v.run(masterKey(), next)
	s := v.sealer(next)
	for n := 1; n <= 3; n++ {
		if _, err := sealing.Finish(t.Context(), by(), &failingWire{db: v.db, at: n}, s); !errors.Is(err, errCut) {
			t.Errorf("call %d: %v", n, err)
		}
		for _, given := range []sealing.Master{masterKey(), next} {
			v.goesOn(v.sealer(given))
		}
	}
}

func TestADamagedRowStopsAResealAndIsNamed(t *testing.T) {
	v, next := newVault(t), newMaster(t)
	values, err := v.db.SealedValues(t.Context())
	v.ok(err)
	for name, damage := range map[string]func([]byte) []byte{
		"a changed one": func(b []byte) []byte { b[40] ^= 1; return b },
		"a cut one":     func(b []byte) []byte { return b[:3] },
	} {
		good := values[0]
		bad := good
		bad.Sealed = damage(slices.Clone(good.Sealed))
		v.ok(v.db.ReplaceSealed(t.Context(), good, bad.Sealed, by()))
		r, err := v.reseal(v.db, masterKey(), next)
		v.ok(err)
		if _, err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "open "+store.SealedAs(good.Table, good.ID)) {
			t.Errorf("%s: error = %v, want one that names the row", name, err)
		}
		values, err = v.db.SealedValues(t.Context())
		v.ok(err)
		v.ok(v.db.ReplaceSealed(t.Context(), values[0], good.Sealed, by()))
		values, err = v.db.SealedValues(t.Context())
		v.ok(err)
	}
	v.run(masterKey(), next)
	v.goesOn(v.sealer(next))
}
