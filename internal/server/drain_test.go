package server

import (
	"net/http"
	"testing"
	"time"
)

// While the server waits for its proxies it is not ready, but answers as before. Each answer ends
// its connection, so that none is open when the listener closes.
func TestDrainDelay(t *testing.T) {
	s := settings(t)
	s.DrainDelay, s.DrainTimeout = 4*time.Second, time.Minute
	at, stop := start(t, s)
	kept := &http.Transport{} // keeps connections, as a proxy does
	defer kept.CloseIdleConnections()
	get := func(path string) (status int, closes bool) {
		answer, err := (&http.Client{Transport: kept}).Get("http://" + at[0] + path)
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, answer.Close
	}
	if status, closes := get("/readyz"); status != http.StatusOK || closes {
		t.Fatalf("before the signal it answers %d, close %v", status, closes)
	}
	begun, ended := time.Now(), make(chan struct{})
	go func() {
		defer close(ended)
		stop()
	}()
	for {
		if status, _ := get("/readyz"); status == http.StatusServiceUnavailable {
			break
		}
		if time.Since(begun) > s.DrainDelay {
			t.Fatal("it is ready still")
		}
	}
	for time.Since(begun) < s.DrainDelay/2 {
		if status, closes := get("/.well-known/jwks.json"); status != http.StatusOK || !closes {
			t.Fatalf("it answers %d, close %v", status, closes)
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

// A server that fails does not wait for its proxies.
func TestAServerThatFailsDoesNotWait(t *testing.T) {
	begun := time.Now()
	awaitProxies(t.Context(), time.Hour)
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("it waited for %s", took)
	}
}
