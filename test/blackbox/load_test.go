package blackbox

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"authserver/test/harness"
)

// load is clients of every grant that continue to send requests while an administrator works. None
// of them may be refused.
type load struct {
	mu      sync.RWMutex // held for reading by a client that waits for an answer
	servers []*harness.Server
	turn    atomic.Int64
	served  sync.Map // the number of answers, by the kind of request
	stop    context.CancelFunc
	workers sync.WaitGroup
}

// pace is how long a client waits before its next request.
const pace = 20 * time.Millisecond

// loaded begins, until the test or [load.end] ends it.
func loaded(t *testing.T, f *fixture, servers ...*harness.Server) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{servers: servers, stop: cancel}
	t.Cleanup(l.end)
	token := l.ask(t, "the first login", f.web, login()).Text("refresh_token")
	for what, once := range map[string]func(){
		"refresh": func() {
			if next := l.ask(t, "refresh", f.web, refresh(token)).Text("refresh_token"); next != "" {
				token = next
			}
		},
		"login":              func() { l.ask(t, "login", f.web, login()) },
		"jwt-bearer":         func() { l.ask(t, "jwt-bearer", harness.Credentials{}, bearer(f.bySecret(t))) },
		"client_credentials": func() { l.ask(t, "client_credentials", f.batch, clientCredentials()) },
	} {
		l.served.Store(what, new(atomic.Int64))
		l.workers.Go(func() {
			ticker := time.NewTicker(pace)
			defer ticker.Stop()
			for ctx.Err() == nil {
				once()
				<-ticker.C
			}
		})
	}
	return l
}

// ask sends a request to one of the servers, each in turn.
func (l *load) ask(t *testing.T, what string, who harness.Credentials, form url.Values) harness.Answer {
	t.Helper()
	l.mu.RLock()
	defer l.mu.RUnlock()
	s := l.servers[l.turn.Add(1)%int64(len(l.servers))]
	answer := s.Token(t, who, form)
	if answer.Status != http.StatusOK {
		t.Errorf("%s was refused meanwhile: %d %s", what, answer.Status, answer.Raw)
	}
	if n, ok := l.served.Load(what); ok {
		n.(*atomic.Int64).Add(1) //nolint:forcetypeassert // nothing else is stored
	}
	return answer
}

// goesOn waits until every kind of client has had two more answers from each server.
func (l *load) goesOn(t *testing.T) {
	t.Helper()
	l.served.Range(func(_, n any) bool {
		count := n.(*atomic.Int64) //nolint:forcetypeassert // nothing else is stored
		from := count.Load()
		harness.Eventually(t, reached, "clients go on", func() bool { return count.Load() >= from+4 || t.Failed() })
		return true
	})
}

// restart replaces a server by another, without a request that meets neither.
func (l *load) restart(t *testing.T, old *harness.Server, start func() *harness.Server) *harness.Server {
	t.Helper()
	l.mu.Lock()
	l.servers = slices.DeleteFunc(slices.Clone(l.servers), func(s *harness.Server) bool { return s == old })
	l.mu.Unlock()
	if code := old.Stop(); code != 0 {
		t.Errorf("the server ends with %d", code)
	}
	fresh := start()
	l.mu.Lock()
	l.servers = append(l.servers, fresh)
	l.mu.Unlock()
	return fresh
}

// end waits for the last answers.
func (l *load) end() {
	l.stop()
	l.workers.Wait()
}
