package server

import (
	"bytes"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"authserver/internal/testkit"
)

// A reload on request reports its result each time, and does not wait until the files have not
// changed for a while.
func TestReload(t *testing.T) {
	s, dir := overTLS(t)
	var log bytes.Buffer
	files, err := openTLS(s.TLS, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	subject := func() string { return files.certificate.get().Leaf.Subject.CommonName }
	said := func(what string) {
		t.Helper()
		if !strings.Contains(log.String(), what) {
			t.Errorf("the log is %q, want it to say %q", log.String(), what)
		}
		log.Reset()
	}
	files.reload()
	said("files are unchanged")
	certify(t, dir, "second")
	files.reload()
	said("files are read again")
	if got := subject(); got != "second" {
		t.Errorf("it is the %s", got)
	}
	for range 2 {
		write(t, filepath.Join(dir, "key.pem"), []byte("half a k"))
		files.reload()
		said("files cannot be used")
	}
	if got := subject(); got != "second" {
		t.Errorf("with a broken key it is the %s", got)
	}
}

// The authorities of publishers of keys are read again too.
func TestReloadOfAuthorities(t *testing.T) {
	publisher := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) }))
	defer publisher.Close()
	dir := t.TempDir()
	certify(t, dir, "another authority")
	s := settings(t)
	s.FetchCAFile, s.FetchAllowHost = filepath.Join(dir, "cert.pem"), []string{"127.0.0.1"}
	remote, reload, err := openRemoteKeys(s.Fetch, overHTTP(s.Identity), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	fetch := func() error {
		_, err := remote.Fetcher.Fetch(t.Context(), publisher.URL, time.Now())
		return err
	}
	if fetch() == nil {
		t.Fatal("the publisher is trusted before its authority is in the file")
	}
	write(t, s.FetchCAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: publisher.Certificate().Raw}))
	reload()
	if err := fetch(); err != nil {
		t.Errorf("after its authority came into the file: %v", err)
	}
	write(t, s.FetchCAFile, []byte("no certificate"))
	reload()
	if err := fetch(); err != nil {
		t.Errorf("after the file was broken: %v", err)
	}
	certify(t, dir, "another authority")
	reload()
	if fetch() == nil {
		t.Error("the publisher is trusted after its authority went")
	}
}

// A running server reloads at each signal.
func TestServeReloads(t *testing.T) {
	s, dir := overTLS(t)
	reload := make(chan os.Signal)
	at, stop := startWith(t, s, ServeOptions{Reload: reload})
	defer stop()
	for _, name := range []string{"second", "third"} {
		certify(t, dir, name)
		reload <- syscall.SIGHUP
		reload <- syscall.SIGHUP // the reload before is done by now
		if got := testkit.ServerCertificate(t, at[0]).Subject.CommonName; got != name {
			t.Errorf("it shows the %s, want the %s", got, name)
		}
	}
}
