package server

import (
	"net/http"
	"testing"
	"time"
)

// While the server waits for its proxies it is not ready, and answers as before: each
// answer ends its connection, so that none is left open when the listener closes.
func TestDrainDelay(t *testing.T) {
	s := settings(t)
	s.DrainDelay = time.Second
	at, stop := start(t, s)
	kept := &http.Transport{} // as a proxy keeps connections
	defer kept.CloseIdleConnections()
	get := func(path string) *http.Response {
		answer, err := (&http.Client{Transport: kept}).Get("http://" + at[0] + path)
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	if answer := get("/readyz"); answer.StatusCode != http.StatusOK || answer.Close {
		t.Fatalf("before the signal it answers %d, close %v", answer.StatusCode, answer.Close)
	}
	begun, ended := time.Now(), make(chan struct{})
	go func() {
		defer close(ended)
		stop()
	}()
	for get("/readyz").StatusCode != http.StatusServiceUnavailable {
		if time.Since(begun) > s.DrainDelay {
			t.Fatal("it is ready still")
		}
	}
	for time.Since(begun) < s.DrainDelay/2 {
		if answer := get("/.well-known/jwks.json"); answer.StatusCode != http.StatusOK || !answer.Close {
			t.Fatalf("it answers %d, close %v", answer.StatusCode, answer.Close)
		}
	}
	<-ended
	if took := time.Since(begun); took < s.DrainDelay || took > s.DrainDelay+s.DrainTimeout/2 {
		t.Errorf("it ended after %s", took)
	}
	if answer, err := (&http.Client{Transport: kept}).Get("http://" + at[0] + "/healthz"); err == nil {
		_ = answer.Body.Close()
		t.Error("it listens still")
	}
}

// A server that fails has nothing to wait for.
func TestAServerThatFailsDoesNotWait(t *testing.T) {
	begun := time.Now()
	awaitProxies(t.Context(), time.Hour)
	if took := time.Since(begun); took > time.Second {
		t.Errorf("it waited for %s", took)
	}
}
