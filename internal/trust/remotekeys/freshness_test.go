package remotekeys

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// RFC 9111 §1.2.2, §4.2, §5.1 to §5.3.
func TestFreshness(t *testing.T) {
	asked := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	date := func(after time.Duration) string { return asked.Add(after).Format(http.TimeFormat) }
	for _, test := range []struct {
		name   string
		header string // lines of "name: value"
		want   time.Duration
	}{
		{"nothing", "", defaultFresh},
		{"max-age", "cache-control: max-age=60", time.Minute},
		{"quoted, and in another case", `cache-control: public, Max-Age = "60", x`, time.Minute},
		{"in a second line", "cache-control: public\ncache-control: max-age=60", time.Minute},
		{"more than an hour", "cache-control: max-age=7200", maxFresh},
		{"a number that is larger than any", "cache-control: max-age=99999999999999999999", maxFresh},
		{"zero", "cache-control: max-age=0", minFresh},
		{"no number", "cache-control: max-age=", minFresh},
		{"a name without a value", "cache-control: max-age", minFresh},
		{"a negative number", "cache-control: max-age=-1", minFresh},
		{"a fraction", "cache-control: max-age=600.5", minFresh},
		{"a sign", "cache-control: max-age=+600", minFresh},
		{"twice: the first", "cache-control: max-age=60, max-age=600", time.Minute},
		{"twice, and the first is no number", "cache-control: max-age=x, max-age=600", minFresh},
		{"in a quoted string", `cache-control: private="a, max-age=600, \", max-age=700", max-age=60`, time.Minute},
		{"a quoted string that does not end", `cache-control: max-age=600, private="x`, minFresh},
		{"s-maxage is for shared caches", "cache-control: s-maxage=5, max-age=60", time.Minute},
		{"s-maxage alone", "cache-control: s-maxage=60", defaultFresh},
		{"no-store", "cache-control: no-store, max-age=600", minFresh},
		{"no-cache", "cache-control: max-age=600, No-Cache", minFresh},
		{"no-cache for a field", `cache-control: max-age=600, no-cache="set-cookie"`, minFresh},
		{"a directive that only begins so", "cache-control: no-storex, max-age=60", time.Minute},

		{"age", "cache-control: max-age=300\nage: 240", time.Minute},
		{"age alone", "age: 600", defaultFresh - 10*time.Minute},
		{"age of more than an hour counts against more than an hour", "cache-control: max-age=7200\nage: 6600", 10 * time.Minute},
		{"as old as max-age", "cache-control: max-age=300\nage: 300", minFresh},
		{"older than max-age", "cache-control: max-age=300\nage: 999999999999999999999", minFresh},
		{"an age that is negative", "cache-control: max-age=300\nage: -240", 5 * time.Minute},
		{"an age that is no number", "cache-control: max-age=300\nage: soon", 5 * time.Minute},
		{"an age that is a fraction", "cache-control: max-age=300\nage: 240.5", 5 * time.Minute},
		{"a list of ages: the first", "cache-control: max-age=300\nage: 240, 0", time.Minute},
		{"two ages: the first", "cache-control: max-age=300\nage: 240\nage: 0", time.Minute},
		{"two ages, and the first is no number", "cache-control: max-age=300\nage: x, 240", 5 * time.Minute},

		{"expires", "date: " + date(0) + "\nexpires: " + date(10*time.Minute), 10 * time.Minute},
		{"expires by another clock", "date: " + date(-time.Hour) + "\nexpires: " + date(-50*time.Minute), 10 * time.Minute},
		{"expires and age", "date: " + date(0) + "\nexpires: " + date(10*time.Minute) + "\nage: 540", time.Minute},
		{"expires without a date", "expires: " + date(10*time.Minute), 10 * time.Minute},
		{"expires with a date that is none", "date: x\nexpires: " + date(10*time.Minute), 10 * time.Minute},
		{"expires in the past", "date: " + date(0) + "\nexpires: " + date(-time.Minute), minFresh},
		{"expires that is no date", "expires: 0", minFresh},
		{"max-age goes before expires", "cache-control: max-age=60\ndate: " + date(0) + "\nexpires: " + date(10*time.Minute), time.Minute},
		{"a date alone is another clock", "cache-control: max-age=300\ndate: " + date(-time.Hour), 5 * time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := http.Header{}
			for line := range strings.Lines(test.header) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
				h.Add(name, value)
			}
			if got := freshness(h, asked); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// An answer that a cache on the way has kept is fetched again when the publisher's time for it is
// over, and not one max-age after it came.
func TestAgeCountsAgainstMaxAge(t *testing.T) {
	p := newPublisher(t, "a")
	body := jwks(t, "a")
	p.answer = func(w http.ResponseWriter, _ *http.Request) {
		p.fetches.Add(1)
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("Age", "560")
		_, _ = w.Write(body)
	}
	s, c := newSets(p)
	wantKeys(t, s, p.source(), "a", 1)
	refresh(t, s, c, 29*time.Second)
	if n := p.fetches.Load(); n != 1 {
		t.Errorf("%d fetches after 29 of 40 s", n)
	}
	refresh(t, s, c, time.Second)
	if n := p.fetches.Load(); n != 2 {
		t.Errorf("%d fetches after 30 of 40 s", n)
	}
}

// With any headers, the time for which an answer is fresh is within the bounds.
func FuzzFreshness(f *testing.F) {
	f.Add("max-age=300", "200", "Sun, 01 Mar 2026 12:00:00 GMT")
	f.Add(`private="\", max-age=9`, "-1", "0")
	f.Add("max-age=9223372036854775807", "9223372036854775807", "x")
	f.Fuzz(func(t *testing.T, control, age, expires string) {
		h := http.Header{"Cache-Control": {control}, "Age": {age}, "Expires": {expires}}
		if got := freshness(h, time.Unix(1_800_000_000, 0)); got < minFresh || got > maxFresh {
			t.Errorf("%s", got)
		}
	})
}
