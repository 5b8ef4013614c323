package server

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"authserver/internal/web"
)

// more is larger than the buffers of both systems, so that a client that sends it is still sending
// when it is refused.
const more = 16 << 20

// refusal is a request that the server refuses before it has read all of it.
type refusal struct {
	name   string
	begin  string
	rest   int // bytes that follow
	status int
}

func refusals() []refusal {
	const form = "Host: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	return []refusal{
		{"a header of 40 KB", "GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 40<<10), 0, 431},
		{"a header without end", "GET /healthz HTTP/1.1\r\nHost: a\r\nX: ", more, 431},
		{"many headers", "GET /healthz HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: y\r\n", 8<<10), more, 431},
		{"a path of 20 KB", "GET /" + strings.Repeat("x", 20<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", 0, 431},
		{"a path without end", "POST /", more, 431},
		{"no request at all", "what is this?\r\n\r\n", more, 400},
		{"a header without a name", "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", more, 400},
		{"no host", "POST /oauth2/token HTTP/1.1\r\n\r\n", more, 400},
		{"two hosts", "POST /oauth2/token HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", more, 400},
		{"two lengths", "POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", more, 400},
		{"an unknown transfer coding", "POST /oauth2/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", more, 501},
		{"an unknown version", "POST /oauth2/token HTTP/3.7\r\nHost: a\r\n\r\n", more, 505},
		{"an unknown expectation", "POST /oauth2/token HTTP/1.1\r\nExpect: more\r\nContent-Length: 16777216\r\n" + form + "\r\n", more, 417},
		{"a body that is announced as too large", "POST /oauth2/token HTTP/1.1\r\nContent-Length: 16777216\r\n" + form + "\r\n", more, 413},
		{"a body that turns out too large", "POST /oauth2/token HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + form + "\r\n1000000\r\n", more, 413},
		{"a large body to be revoked", "POST /oauth2/revoke HTTP/1.1\r\nContent-Length: 16777216\r\n" + form + "\r\n", more, 413},
		{"a large body where there is no endpoint", "POST /nowhere HTTP/1.1\r\nContent-Length: 16777216\r\n" + form + "\r\n", more, 404},
		{"a large body by another method", "PUT /oauth2/token HTTP/1.1\r\nContent-Length: 16777216\r\n" + form + "\r\n", more, 405},
		{"a large body of another type", "POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 16777216\r\n\r\n", more, 413},
		{"a large body beside parameters in the URL", "POST /oauth2/token?client_secret=x HTTP/1.1\r\nContent-Length: 16777216\r\n" + form + "\r\n", more, 400},
	}
}

// A client that is refused while it sends gets the answer, and then the end of the connection: a
// reset would destroy the answer (RFC 9112 §9.6).
func TestRefusalsArrive(t *testing.T) {
	plain, stop := start(t, settings(t))
	t.Cleanup(stop)
	s, _ := overTLS(t)
	secure, stopTLS := start(t, s)
	t.Cleanup(stopTLS)
	for _, listener := range []struct {
		name string
		dial func() (net.Conn, error)
	}{
		{"plain", func() (net.Conn, error) { return net.Dial("tcp", plain[0]) }},
		{"TLS", func() (net.Conn, error) { return tls.Dial("tcp", secure[0], &tls.Config{InsecureSkipVerify: true}) }},
		{"ops", func() (net.Conn, error) { return net.Dial("tcp", plain[1]) }},
	} {
		t.Run(listener.name, func(t *testing.T) {
			t.Parallel()
			for _, refused := range refusals() {
				if listener.name == "ops" && (refused.status == 413 || refused.status == 405 || strings.Contains(refused.name, "URL")) {
					continue // it has other paths
				}
				t.Run(refused.name, func(t *testing.T) {
					t.Parallel()
					connection, err := listener.dial()
					if err != nil {
						t.Fatal(err)
					}
					defer connection.Close()
					refused.check(t, connection)
				})
			}
		})
	}
	t.Run("http where https is spoken", func(t *testing.T) {
		connection, err := net.Dial("tcp", secure[0])
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		refusal{"", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16777216\r\n\r\n", more, 400}.check(t, connection)
	})
}

// check sends everything before it reads anything, as many clients do.
func (r refusal) check(t *testing.T, connection net.Conn) {
	t.Helper()
	if err := connection.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(connection, r.begin); err != nil {
		t.Fatalf("while it sends the beginning: %v", err)
	}
	if n, err := io.Copy(connection, io.LimitReader(letters{}, int64(r.rest))); err != nil {
		t.Fatalf("after %d bytes more: %v", n, err)
	}
	reader := bufio.NewReader(connection)
	answer, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatalf("there is no answer: %v", err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil || len(body) == 0 && r.status != 417 {
		t.Errorf("the body is %q (%v)", body, err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != r.status {
		t.Errorf("the status is %d, want %d (%v)", answer.StatusCode, r.status, err)
	}
	if _, err := reader.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("the connection ends with %v", err)
	}
}

// letters is an endless reader of a's.
type letters struct{}

func (letters) Read(p []byte) (int, error) {
	copy(p, bytes.Repeat([]byte("a"), len(p)))
	return len(p), nil
}

// A client whose connection is closing may not hold its place for long, whether it continues to
// send or does nothing.
func TestLingeringEnds(t *testing.T) {
	s := settings(t)
	s.MaxConnections = 2
	at, stop := start(t, s)
	defer stop()
	began := time.Now()
	for i := range 2 {
		connection, err := net.Dial("tcp", at[0])
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		if _, err := io.WriteString(connection, "what is this?\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			go func() {
				for {
					if _, err := connection.Write([]byte("a")); errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, net.ErrClosed) {
						return
					}
					time.Sleep(10 * time.Millisecond)
				}
			}()
		}
	}
	client := &http.Client{Timeout: 2 * web.RequestTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + at[0] + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if took := time.Since(began); took < time.Second || took > web.RequestTimeout-2*time.Second {
		t.Errorf("the first place is free after %s, want the two seconds of a client that does nothing", took)
	}
}
