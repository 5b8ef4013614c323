package verifier_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"authserver/verifier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inMemory answers requests with a handler, because a wait for a network would stop the clock of
// the test.
type inMemory struct{ http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	m.ServeHTTP(answer, r)
	return answer.Result(), nil
}

// idly runs a test with a verifier and a clock that advances while all goroutines wait.
func idly(t *testing.T, test func(t *testing.T, i *issuer, v *verifier.Verifier)) {
	t.Helper()
	i := newIssuer(t)
	synctest.Test(t, func(t *testing.T) {
		i.t = t // the verifier is closed within the bubble of its clock
		i.change(func() { i.now = time.Now() })
		v := i.verifier(func(o *verifier.Options) {
			o.HTTPClient = &http.Client{Transport: inMemory{i.server.Config.Handler}}
			o.Now = time.Now
		})
		test(t, i, v)
	})
}

// pass lets time pass without a request, and requires this number of fetches by then.
func (i *issuer) pass(t *testing.T, d time.Duration, want int) {
	t.Helper()
	time.Sleep(d)
	synctest.Wait()
	if n := i.fetched(); n != want {
		t.Errorf("%d fetches, want %d", n, want)
	}
}

func TestTheKeysOfAnIdleAPIStayFresh(t *testing.T) {
	idly(t, func(t *testing.T, i *issuer, v *verifier.Verifier) {
		i.pass(t, time.Hour, 0) // nothing is fetched before the first token
		i.change(func() { i.now = time.Now() })
		if !verifies(t, v, i.token(nil)) {
			t.Fatal("refused")
		}
		i.pass(t, 449*time.Second, 1) // of 600
		i.pass(t, 2*time.Second, 2)
		i.rotate("two")
		i.pass(t, 450*time.Second, 3)
		i.change(func() { i.now = time.Now() })
		if !verifies(t, v, i.token(nil)) || i.fetched() != 3 {
			t.Errorf("the first request waited for a fetch: %d", i.fetched())
		}
		i.pass(t, 10*time.Hour, 3+80) // a fetch each 450 s
	})
}

func TestTheKeysOfAnIdleAPIAreFetchedWhenTheServerIsBack(t *testing.T) {
	idly(t, func(t *testing.T, i *issuer, v *verifier.Verifier) {
		if !verifies(t, v, i.token(nil)) {
			t.Fatal("refused")
		}
		i.change(func() { i.down = true })
		i.pass(t, 451*time.Second, 2)
		i.pass(t, 10*75*time.Second, 12) // an eighth of 600 s each
		i.change(func() { i.down = false })
		i.pass(t, 75*time.Second, 13)
		i.pass(t, 448*time.Second, 13)
		i.pass(t, time.Second, 14)
	})
}

func TestAClosedVerifierFetchesNothing(t *testing.T) {
	idly(t, func(t *testing.T, i *issuer, v *verifier.Verifier) {
		if !verifies(t, v, i.token(nil)) {
			t.Fatal("refused")
		}
		v.Close()
		v.Close()
		i.pass(t, 24*time.Hour, 1)
		if verifies(t, v, i.token(nil)) {
			t.Error("a token that expired long ago is taken")
		}
	})
}

// Close cancels a fetch that would take long, and returns when it has ended.
func TestCloseDoesNotWaitForTheServer(t *testing.T) {
	i := newIssuer(t)
	synctest.Test(t, func(t *testing.T) {
		i.t = t
		v := i.verifier(func(o *verifier.Options) {
			o.HTTPClient = &http.Client{Transport: silent{}}
			o.Now = time.Now
		})
		i.change(func() { i.now = time.Now() })
		go verifies(t, v, i.token(nil))
		synctest.Wait()
		begun := time.Now()
		v.Close()
		if waited := time.Since(begun); waited > 0 {
			t.Errorf("it waited for %v", waited)
		}
	})
}

// silent never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}
