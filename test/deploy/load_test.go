//go:build deploy

package deploy

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load is a number of clients that send requests until the test stops them.
type load struct {
	url    string
	client *http.Client

	stopped  atomic.Bool
	running  sync.WaitGroup
	answered atomic.Int64
	mu       sync.Mutex
	failed   []string
}

// token sends a token request, and returns the answer if it is 200. Any other result is a failure.
func (l *load) token(form url.Values) map[string]any {
	answer, err := l.client.PostForm(l.url+"/oauth2/token", form)
	if err != nil {
		l.fail("%s: %v", form.Get("grant_type"), err)
		return nil
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	var body map[string]any
	if err != nil || answer.StatusCode != http.StatusOK || json.Unmarshal(text, &body) != nil {
		l.fail("%s: %d %s %v", form.Get("grant_type"), answer.StatusCode, strings.TrimSpace(string(text)), err)
		return nil
	}
	l.answered.Add(1)
	return body
}

func (l *load) fail(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// repeat makes several clients repeat a call until the load stops.
func (l *load) repeat(clients int, thing func()) {
	for range clients {
		l.running.Go(func() {
			for !l.stopped.Load() {
				thing()
			}
		})
	}
}

// refreshing is a user's app: it refreshes with the newest refresh token.
func (l *load) refreshing(login url.Values) {
	l.running.Go(func() {
		token, _ := l.token(login)["refresh_token"].(string)
		for !l.stopped.Load() && token != "" {
			token, _ = l.token(url.Values{
				"grant_type": {"refresh_token"}, "client_id": login["client_id"], "refresh_token": {token},
			})["refresh_token"].(string)
		}
	})
}

// stop ends the load and reports what failed.
func (l *load) stop(t *testing.T, atLeast int64) {
	t.Helper()
	l.stopped.Store(true)
	l.running.Wait()
	t.Logf("%d requests were answered", l.answered.Load())
	if n := l.answered.Load(); n < atLeast {
		t.Errorf("only %d requests were answered, want %d", n, atLeast)
	}
	for i, f := range l.failed {
		if i == 10 {
			t.Errorf("… and %d more", len(l.failed)-i)
			break
		}
		t.Error(f)
	}
}
