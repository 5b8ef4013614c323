package demo

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"authserver/internal/pages"
	"authserver/internal/web"
)

func newDemo(t *testing.T, now func() time.Time) *Demo {
	t.Helper()
	renderer, err := pages.Open("", "")
	if err != nil {
		t.Fatal(err)
	}
	written, err := web.NewPages(renderer, "http://127.0.0.1:8080")
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(Options{Issuer: "http://127.0.0.1:8080", Pages: written, Now: now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// visited returns a request of a browser that the app does not know yet.
func visited(t *testing.T, d *Demo, v *visit) *http.Request {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, Path, nil)
	if err := d.remember(w, r, v); err != nil {
		t.Fatal(err)
	}
	r.AddCookie(w.Result().Cookies()[0])
	return r
}

// TestWhatIsKept: browsers and tabs that begin and never end do not fill the memory, and every
// visit ends at some time.
func TestWhatIsKept(t *testing.T) {
	now := time.Date(2026, 3, 14, 9, 26, 0, 0, time.UTC)
	d := newDemo(t, func() time.Time { return now })
	first, v := visited(t, d, &visit{}), (*visit)(nil)
	for range maxVisits {
		v = &visit{}
		visited(t, d, v)
	}
	if got := d.visits.Len(); got != maxVisits {
		t.Errorf("%d browsers are kept, want %d", got, maxVisits)
	}
	if d.visitOf(first) != nil {
		t.Error("the oldest browser is still known")
	}
	for i := range 3 * maxAttempts {
		v.begin(attempt{state: fmt.Sprint(i)})
	}
	if len(v.attempts) != maxAttempts {
		t.Errorf("%d attempts are kept, want %d", len(v.attempts), maxAttempts)
	}
	if _, found := v.take(""); found {
		t.Error("an answer without state is taken")
	}
	if _, found := v.take(fmt.Sprint(3*maxAttempts - 1)); !found {
		t.Error("the last attempt is forgotten")
	}

	r := visited(t, d, &visit{})
	found := d.visitOf(r)
	if found == nil {
		t.Fatal("the browser is not known")
	}
	found.mu.Unlock()
	now = now.Add(visitTTL + time.Second)
	if d.visitOf(r) != nil {
		t.Error("the browser is known for ever")
	}
}
