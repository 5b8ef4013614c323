//go:build deploy

package deploy

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"authserver/test/harness"
)

// TestClientAddress: the replicas get the address of the client from the proxy, and the client
// cannot choose another.
func TestClientAddress(t *testing.T) {
	for _, p := range proxies() {
		t.Run(p.name, func(t *testing.T) {
			f := newFleet(t)
			at, client := p.start(t, f.addresses)
			for name, value := range map[string]string{"X-Forwarded-For": "192.0.2.66", "Forwarded": "for=192.0.2.66", "X-Request-Id": "plain"} {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at+"/oauth2/token", strings.NewReader(""))
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("X-Request-Id", "with-"+name)
				request.Header.Set(name, value)
				answer, err := client.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				_ = answer.Body.Close()
				id, line := request.Header.Get("X-Request-Id"), ""
				harness.Eventually(t, 20*time.Second, "a replica logs the request", func() bool {
					for _, s := range f.servers {
						for l := range strings.Lines(s.Logs()) {
							if strings.Contains(l, `"request_id":"`+id+`"`) {
								line = l
							}
						}
					}
					return line != ""
				})
				if !strings.Contains(line, `"client_address":"127.0.0.3","proxy":"127.0.0.1"`) {
					t.Errorf("%s: %s: %s", name, value, line)
				}
			}
		})
	}
}
