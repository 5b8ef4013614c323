package admission

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// visitor is a client for which a place waits.
type visitor struct {
	Place
	cut int
}

func (v *visitor) Abort() { v.cut++ }

func place(t *testing.T, p *Places, by string) *visitor {
	t.Helper()
	v := &visitor{}
	if err := p.Enter(&v.Place, by, false); err != nil {
		t.Fatal(err)
	}
	return v
}

func want(t *testing.T, got, wanted error) {
	t.Helper()
	if !errors.Is(got, wanted) {
		t.Errorf("got %v, want %v", got, wanted)
	}
}

// If all places are taken, the place that has waited longest for its client is given to another.
func TestTheOldestIsOvertaken(t *testing.T) {
	p := &Places{Max: 3}
	first, second, third := place(t, p, "a"), place(t, p, "a"), place(t, p, "b")
	want(t, p.Enter(&Place{}, "c", false), ErrFull) // no request waits for its client
	want(t, second.Wait(second), nil)
	want(t, first.Wait(first), nil)
	place(t, p, "c")
	if second.cut != 1 || first.cut != 0 || third.cut != 0 {
		t.Errorf("cut %d, %d and %d times", first.cut, second.cut, third.cut)
	}
	want(t, second.Resume(0), ErrOvertaken)
	want(t, second.Hold(1), ErrOvertaken)
	second.Leave()
	want(t, first.Resume(0), nil)
	want(t, p.Enter(&Place{}, "c", false), ErrFull) // the server works on the first now
	first.Leave()
	first.Leave() // a second Leave frees nothing
	place(t, p, "c")
	want(t, p.Enter(&Place{}, "c", false), ErrFull)
	want(t, second.Wait(second), ErrOvertaken)
}

// A request that takes little time enters although all places are taken, one at a time.
func TestAnyway(t *testing.T) {
	p := &Places{Max: 1}
	place(t, p, "a")
	for range 10 {
		v := &visitor{}
		want(t, p.Enter(&v.Place, "b", true), nil)
		want(t, v.Wait(v), nil)
	}
	if taken, _ := p.InFlight(); taken != 2 {
		t.Errorf("%d places are taken, want 2", taken)
	}
	want(t, p.Enter(&Place{}, "a", false), ErrFull)
}

// No address gets more than half of the bytes, and no request is refused because of one that waits.
func TestBytesAreShared(t *testing.T) {
	p := &Places{MaxBytes: 100}
	greedy, modest := place(t, p, "greedy"), place(t, p, "modest")
	want(t, greedy.Hold(50), nil)
	want(t, greedy.Hold(1), ErrShare)
	want(t, greedy.Wait(greedy), nil)
	want(t, greedy.Resume(10), nil)
	want(t, greedy.Hold(10), nil)
	want(t, modest.Hold(50), nil)
	other := place(t, p, "other")
	want(t, other.Hold(1), ErrFull)
	want(t, modest.Wait(modest), nil)
	want(t, other.Hold(1), nil)
	want(t, modest.Resume(0), ErrOvertaken)
	if _, bytes := p.InFlight(); bytes != 51 || modest.cut != 1 {
		t.Errorf("%d bytes are held, and it was cut %d times", bytes, modest.cut)
	}
	want(t, greedy.Wait(greedy), nil)
	again := place(t, p, "greedy")
	want(t, again.Hold(50), nil)
	want(t, greedy.Resume(0), ErrOvertaken)
	want(t, again.Wait(again), nil)
	want(t, again.Hold(1), ErrOvertaken) // there is no older request of its name
	other.Leave()
	if places, bytes := p.InFlight(); places != 0 || bytes != 0 {
		t.Errorf("%d places with %d bytes are left over", places, bytes)
	}
}

func TestNothingIsBounded(t *testing.T) {
	p := &Places{}
	for range 1000 {
		want(t, place(t, p, "a").Hold(1<<40), nil)
	}
}

// After any operations in any order the bounds hold, and the places add up.
func TestPlacesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &Places{Max: 4, MaxBytes: 40}
		all := map[int]*visitor{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			i := rapid.IntRange(0, 6).Draw(t, "who")
			v, there := all[i]
			switch what := rapid.SampledFrom([]string{"enter", "hold", "wait", "resume", "leave"}).Draw(t, "what"); {
			case what == "enter" && !there:
				v := &visitor{}
				if p.Enter(&v.Place, fmt.Sprint(i%2), false) == nil {
					all[i] = v
				}
			case !there || v.waits && what == "wait":
			case what == "hold":
				_ = v.Hold(int64(rapid.IntRange(0, 15).Draw(t, "bytes")))
			case what == "wait":
				_ = v.Wait(v)
			case what == "resume":
				_ = v.Resume(0)
			case what == "leave":
				v.Leave()
				delete(all, i)
			}
			places, bytes := 0, int64(0)
			shares := map[string]int64{}
			for _, v := range all {
				if v.taken {
					places++
					bytes += v.held
					shares[v.by] += v.held
				} else if v.held != 0 {
					t.Fatalf("one whose place is gone holds %d bytes", v.held)
				}
			}
			if taken, held := p.InFlight(); taken != places || held != bytes || taken > p.Max || held > p.MaxBytes {
				t.Fatalf("%d places with %d bytes are taken, and %d with %d known", places, bytes, taken, held)
			}
			for by, share := range shares {
				if share > p.MaxBytes/2 || p.shares[by] != share {
					t.Fatalf("%s holds %d bytes", by, share)
				}
			}
		}
	})
}

func TestPlacesTogether(t *testing.T) {
	p := &Places{Max: 8, MaxBytes: 100}
	var group sync.WaitGroup
	for i := range 32 {
		group.Go(func() {
			for range 200 {
				v := &quiet{}
				if p.Enter(&v.Place, fmt.Sprint(i%3), false) != nil {
					continue
				}
				_ = v.Wait(v)
				_ = v.Hold(10)
				_ = v.Resume(0)
				_ = v.Hold(5)
				v.Leave()
			}
		})
	}
	group.Wait()
	if places, bytes := p.InFlight(); places != 0 || bytes != 0 || p.oldest != nil || p.newest != nil || len(p.shares) != 0 {
		t.Errorf("%d places with %d bytes are left over", places, bytes)
	}
}

// quiet is a client that several may cut off at the same time.
type quiet struct{ Place }

func (*quiet) Abort() {}
