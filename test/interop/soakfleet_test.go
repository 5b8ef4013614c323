//go:build interop

package interop

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"authserver/test/harness"
)

const jwksPath = "/.well-known/jwks.json"

// fleet is the replicas behind the issuer's address. Each request goes to the next of them, and to
// another one if that one does not answer.
type fleet struct {
	url       string
	replicas  []*replica
	turn      atomic.Int64
	transport *http.Transport

	mu      sync.Mutex
	fetches map[string][]time.Time // of the JWKS, by User-Agent
}

// replica is one server after the other with the same settings.
type replica struct {
	name string

	mu        sync.Mutex
	processes []*harness.Server
	up        bool
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{
		replicas: []*replica{{name: "a"}, {name: "b"}},
		fetches:  map[string][]time.Time{},
		// A kept connection could lead to a process that is gone.
		transport: &http.Transport{DisableKeepAlives: true, ResponseHeaderTimeout: 5 * time.Second},
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) {}, Transport: f}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == jwksPath {
			f.fetched(r.UserAgent())
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	f.url = front.URL
	return f
}

// RoundTrip implements http.RoundTripper.
func (f *fleet) RoundTrip(request *http.Request) (*http.Response, error) {
	first := int(f.turn.Add(1))
	var faults []error
	for i := range f.replicas {
		r := f.replicas[(first+i)%len(f.replicas)]
		response, err := f.askReplica(request, r.last())
		if err == nil {
			return response, nil
		}
		faults = append(faults, fmt.Errorf("replica %s: %w", r.name, err))
	}
	return nil, errors.Join(faults...)
}

// askReplica reads the answer completely: until then another replica can answer instead.
func (f *fleet) askReplica(request *http.Request, s *harness.Server) (*http.Response, error) {
	target, err := url.Parse(s.URL)
	if err != nil {
		return nil, err
	}
	there := request.Clone(request.Context())
	there.URL.Scheme, there.URL.Host = target.Scheme, target.Host
	response, err := f.transport.RoundTrip(there)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

func (f *fleet) fetched(userAgent string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fetches[userAgent] = append(f.fetches[userAgent], time.Now())
}

func (f *fleet) fetchesBy(userAgent string) []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.fetches[userAgent])
}

// logTail prints the end of the logs of each replica's last two processes, except for the requests
// that succeeded.
func (f *fleet) logTail(t *testing.T) {
	for _, r := range f.replicas {
		r.mu.Lock()
		for i, s := range r.processes {
			if i < len(r.processes)-2 {
				continue
			}
			var logs strings.Builder
			for line := range strings.Lines(s.Logs()) {
				if !strings.Contains(line, `"status":200`) {
					logs.WriteString(line)
				}
			}
			text := logs.String()
			t.Logf("the end of the log of replica %s, process %d:\n%s", r.name, s.Pid(), text[max(0, len(text)-logTail):])
		}
		r.mu.Unlock()
	}
}

// start may run only in the goroutine of the test, like all methods of d.
func (r *replica) start(d *harness.Deployment) {
	s := d.Start()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.processes, r.up = append(r.processes, s), true
}

// leave records that the process is about to end, so that a request without an answer is no
// failure.
func (r *replica) leave() *harness.Server {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.up = false
	return r.processes[len(r.processes)-1]
}

// server returns the running process, or nil.
func (r *replica) server() *harness.Server {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.up {
		return nil
	}
	return r.processes[len(r.processes)-1]
}

// last returns the running process, or the last one that ran.
func (r *replica) last() *harness.Server {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.processes[len(r.processes)-1]
}
