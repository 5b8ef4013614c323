package tokens

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"
	"time"

	"pgregory.net/rapid"

	"authserver/internal/store"
)

// revoked makes a revocation of each kind in turn, as in the use of a server.
func revoked(tb testing.TB, i int) store.Revocation {
	tb.Helper()
	until := noon.Add(time.Duration(i) * time.Millisecond)
	r := store.Revocation{Before: store.At(noon), ExpiresAt: store.At(until), Reason: "test"}
	switch i % 4 {
	case 0, 1:
		jti, err := ID{Family: store.FamilyID{1}, Client: 1, Subject: 1}.encode(rand.Reader)
		if err != nil {
			tb.Fatal(err)
		}
		r.Kind, r.Value = store.RevokedToken, jti
	case 2:
		var family store.FamilyID
		binary.BigEndian.PutUint64(family[:], uint64(i))
		r.Kind, r.Value = store.RevokedFamily, family.String()
	case 3:
		r.Kind, r.Value = store.RevokedUser, fmt.Sprintf("01890a5d-ac96-774b-bcce-%012x", i)
	}
	return r
}

func inUse() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // frees what the first collection found unused
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// However many there are, no revocation takes more than 80 bytes, and an expired one takes none.
// bench/growth shows the same for a million.
func TestViewIsCompact(t *testing.T) {
	const most = 80
	v := newView(&book{})
	empty := inUse()
	perEntry := func() float64 { return float64(inUse()-empty) / float64(v.Len()) }
	for _, n := range []int{130_000, 150_000, 190_000, 250_000, 300_000} {
		for v.Len() < n {
			v.add([]store.Revocation{revoked(t, v.Len())})
		}
		got := perEntry()
		t.Logf("%d entries of %.1f bytes", n, got)
		if got > most {
			t.Errorf("%d entries of %.1f bytes, want at most %d", n, got, most)
		}
	}
	v.Forget(noon.Add(240_000 * time.Millisecond))
	if v.Len() != 60_000 {
		t.Errorf("%d entries are left, want 60000", v.Len())
	}
	if got := perEntry(); got > 2*most {
		t.Errorf("after most have expired the others have %.1f bytes, want at most %d", got, 2*most)
	}
	runtime.KeepAlive(v)
}

// TestViewIsAMap compares the view with a plain map of the revocations.
func TestViewIsAMap(t *testing.T) {
	kind := rapid.SampledFrom([]store.RevocationKind{store.RevokedToken, store.RevokedFamily, store.RevokedUser, store.RevokedClient})
	value := rapid.SampledFrom([]string{"a", "b", "user", "er", "jti", "\x00a", "a\x00"})
	moment := rapid.Map(rapid.Int64Range(0, 5000), func(µs int64) time.Time {
		return noon.Truncate(time.Millisecond).Add(time.Duration(µs) * time.Microsecond)
	})
	rapid.Check(t, func(r *rapid.T) {
		type entry struct{ before, expires int64 } // in milliseconds
		v, model := newView(&book{}), map[viewKey]entry{}
		r.Repeat(map[string]func(*rapid.T){
			"revoke": func(r *rapid.T) {
				key := viewKey{kind.Draw(r, "kind"), value.Draw(r, "value")}
				before, expires := moment.Draw(r, "before"), moment.Draw(r, "expires")
				v.add([]store.Revocation{{Kind: key.kind, Value: key.value, Before: before, ExpiresAt: expires}})
				old := model[key]
				up := expires.Add(time.Millisecond - time.Microsecond).UnixMilli()
				model[key] = entry{max(old.before, before.UnixMilli()), max(old.expires, up)}
			},
			"forget": func(r *rapid.T) {
				now := moment.Draw(r, "now")
				v.Forget(now)
				for key, e := range model {
					if e.expires <= now.UnixMilli() {
						delete(model, key)
					}
				}
			},
			"": func(r *rapid.T) {
				if v.Len() != len(model) {
					r.Fatalf("the view holds %d, want %d", v.Len(), len(model))
				}
				key := viewKey{kind.Draw(r, "kind"), value.Draw(r, "value")}
				e, held := model[key]
				if before, got := v.held.before(key); got != held || before != e.before {
					r.Fatalf("%q is held: %v, before %d, want %v, before %d", key, got, before, held, e.before)
				}
			},
		})
	})
}

// There are many names, so that segments grow and become empty.
func TestViewOfMany(t *testing.T) {
	const n = 100_000
	v := newView(&book{})
	keys := make([]viewKey, n)
	for i := range keys {
		r := revoked(t, i)
		keys[i] = viewKey{r.Kind, r.Value}
		v.add([]store.Revocation{r, r})
	}
	v.Forget(noon.Add(n / 2 * time.Millisecond))
	for i, key := range keys {
		if _, got := v.held.before(key); got != (i >= n/2) {
			t.Fatalf("entry %d is held: %v", i, got)
		}
	}
}

func BenchmarkViewRevoked(b *testing.B) {
	for _, n := range []int{0, 1_000, 1_000_000} {
		v := newView(&book{})
		for i := range n {
			v.add([]store.Revocation{revoked(b, i)})
		}
		if err := v.Follow(b.Context()); err != nil {
			b.Fatal(err)
		}
		claims := issued(noon, store.FamilyID{1})
		claims.ID = "AQAAAAAAAAAAAAAAAAAAAAABnKYlzI4BnKYlzI7x2h6mXl3iQYq8"
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if revoked, err := v.Revoked(b.Context(), claims); err != nil || revoked {
					b.Fatal(revoked, err)
				}
			}
		})
	}
}

func BenchmarkViewAddMillion(b *testing.B) {
	list := make([]store.Revocation, 1_000_000)
	for i := range list {
		list[i] = revoked(b, i)
	}
	for b.Loop() {
		newView(&book{}).add(list)
	}
}
