package blackbox

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"authserver/test/harness"
)

// A10: clients that make the server wait use a bounded part of its memory, with any protocol, and
// the server continues to serve others. Before there were bounds, 5,000 bodies on 20 connections
// took 500 MB. The test runs alone, because it measures memory.
func TestStalledClients(t *testing.T) {
	const mayGrow = 192 << 20 // a stream takes 31 KB, so 4,000 of them 124 MB; their bodies would be 252 MB more
	for _, test := range []struct {
		name  string
		stall func(t *testing.T, a *stalling)
	}{
		{"HTTP/2, 63 KB of each body", func(t *testing.T, a *stalling) { a.bodies(t, 63<<10, 40) }},
		{"HTTP/2, a byte of each body", func(t *testing.T, a *stalling) { a.bodies(t, 1, 20) }},
		{"HTTP/1.1, 63 KB of each body", func(t *testing.T, a *stalling) { a.plainBodies(t, 63<<10, 1000) }},
		{"HTTP/1.1, a byte of each body", func(t *testing.T, a *stalling) { a.plainBodies(t, 1, 1000) }},
		{"HTTP/2, answers that the client does not read", func(t *testing.T, a *stalling) { a.answers(t, 30) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := harness.SQLite(t)
			f := register(t, d)
			own := secure(t, d)
			a := &stalling{s: d.Start(), roots: x509.NewCertPool(), end: make(chan struct{})}
			a.roots.AddCert(own.certificate)
			before := live(t, a.s)
			test.stall(t, a)
			most := a.settle(t)
			t.Logf("%d requests are under way: from %d MB to %d MB", a.begun.Load(), before>>20, most>>20)
			if _, refused := askBy(t, asking(t, own.certificate, nil), a.s.URL, "client_id=batch&client_secret="+f.batch.Secret, nil); refused != "" {
				t.Errorf("another client is refused with %s", refused)
			}
			if most-before > mayGrow {
				t.Errorf("the server grew by %d MB", (most-before)>>20)
			}
			close(a.end)
			a.group.Wait()
		})
	}
}

// stalling are clients that begin something and do not continue.
type stalling struct {
	s     *harness.Server
	roots *x509.CertPool
	begun atomic.Int64
	end   chan struct{}
	group sync.WaitGroup
}

// settle waits until nothing more begins, and returns the largest memory so far.
func (a *stalling) settle(t *testing.T) (most int) {
	t.Helper()
	last, same := int64(-1), 0
	for deadline := time.Now().Add(8 * time.Second); same < 10 && time.Now().Before(deadline); {
		time.Sleep(100 * time.Millisecond)
		most = max(most, live(t, a.s))
		now := a.begun.Load()
		if same++; now != last || now == 0 {
			last, same = now, 0
		}
	}
	return most
}

// streams is the number of concurrent requests that a connection of HTTP/2 may have.
const streams = 100

// bodies sends a part of a body in each of many requests.
func (a *stalling) bodies(t *testing.T, bytes, connections int) {
	t.Helper()
	for range connections {
		transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: a.roots}}
		t.Cleanup(transport.CloseIdleConnections)
		for range streams {
			a.group.Go(func() {
				body := &stalledBody{left: bytes, of: a}
				request, err := http.NewRequest(http.MethodPost, a.s.URL+"/oauth2/token", body)
				if err != nil {
					t.Error(err)
					return
				}
				request.ContentLength = 64 << 10
				request.Header.Set("Content-Type", formType)
				if answer, err := transport.RoundTrip(request); err == nil {
					_ = answer.Body.Close()
				}
			})
		}
	}
}

// plainBodies is bodies over HTTP/1.1.
func (a *stalling) plainBodies(t *testing.T, bytes, connections int) {
	t.Helper()
	head := "POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Type: " + formType + "\r\nContent-Length: 65536\r\n\r\n"
	for range connections {
		a.group.Go(func() {
			connection, err := tls.Dial("tcp", strings.TrimPrefix(a.s.URL, "https://"), &tls.Config{RootCAs: a.roots, ServerName: "127.0.0.1"})
			if err != nil {
				return // the server is busy with the others
			}
			defer connection.Close()
			if _, err := io.WriteString(connection, head+strings.Repeat("a", bytes)); err == nil {
				a.begun.Add(1)
			}
			<-a.end
		})
	}
}

// answers requests more than it is ready to read.
func (a *stalling) answers(t *testing.T, connections int) {
	t.Helper()
	for range connections {
		a.group.Go(func() {
			c, err := dialFrames(strings.TrimPrefix(a.s.URL, "https://"), a.roots, 0)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for i := range streams {
				if c.request(uint32(2*i+1), "GET", []string{"/openapi.yaml", "/.well-known/jwks.json", "/healthz"}[i%3], true) == nil {
					a.begun.Add(1)
				}
			}
			<-a.end
		})
	}
}

// stalledBody yields some bytes, and then nothing for as long as it can.
type stalledBody struct {
	left int
	of   *stalling
}

func (b *stalledBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		b.of.begun.Add(1)
		<-b.of.end
		return 0, io.ErrUnexpectedEOF
	}
	n := min(len(p), b.left)
	copy(p, strings.Repeat("a", n))
	b.left -= n
	return n, nil
}

// secure gives the server TLS, and returns its certificate.
func secure(t *testing.T, d *harness.Deployment) *pair {
	t.Helper()
	own := issue(t, nil, x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	d.Set("TLS_CERTIFICATE_FILE", d.File("server.pem", own.pem()))
	d.Set("TLS_KEY_FILE", d.File("server-key.pem", harness.KeyPEM(t, own.key)))
	return own
}

// live returns how much memory the server needs at the moment, in bytes: what is reachable after a
// garbage collection, and the stacks. The system may have given it up to twice as much, depending
// on the last collection.
func live(t *testing.T, s *harness.Server) int {
	t.Helper()
	answer, err := http.Get(s.OpsURL + "/debug/pprof/heap?gc=1&debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	profile, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("the profile of the heap: %s, %v", answer.Status, err)
	}
	total := 0
	for _, name := range []string{"# HeapAlloc = ", "# Stack = "} {
		_, rest, _ := strings.Cut(string(profile), "\n"+name)
		bytes, err := strconv.Atoi(strings.Fields(rest + " x")[0])
		if err != nil {
			t.Fatalf("the profile has no %q: %v", name, err)
		}
		total += bytes
	}
	return total
}
