//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jws"
	"golang.org/x/oauth2"

	"authserver/test/harness"
)

// rotationTimeout is how long new keys may take to sign; the timeline of the deployment needs a few
// seconds.
const rotationTimeout = 30 * time.Second

// serveRotation lets programs rotate the keys: it answers a POST with 204 once new keys sign.
func (w *world) serveRotation(t *testing.T, d *harness.Deployment) {
	t.Helper()
	w.awaitNextKeys(t)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := w.rotate(r.Context(), d); err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
			return
		}
		rw.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	w.RotateURL = server.URL
}

// awaitNextKeys waits until the next key of each algorithm is published, so that every verifier of
// the test has it from the first fetch.
func (w *world) awaitNextKeys(t *testing.T) {
	t.Helper()
	var set struct{ Keys []json.RawMessage }
	for deadline := time.Now().Add(rotationTimeout); ; time.Sleep(50 * time.Millisecond) {
		answer := harness.Get(t, w.JWKSURI)
		if err := json.Unmarshal(answer.Raw, &set); err != nil {
			t.Fatal(err)
		}
		if len(set.Keys) >= 2*len(algorithms()) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the next keys are not published: %s", answer.Raw)
		}
	}
}

func (w *world) rotate(ctx context.Context, d *harness.Deployment) error {
	before := map[string]string{}
	for _, alg := range algorithms() {
		_, kid, err := w.mint(ctx, alg)
		if err != nil {
			return err
		}
		before[alg] = kid
	}
	if stdout, stderr, code := d.Try("", "key", "rotate"); code != 0 {
		return fmt.Errorf("authserver key rotate: exit code %d\n%s%s", code, stdout, stderr)
	}
	for alg, old := range before {
		for deadline := time.Now().Add(rotationTimeout); ; time.Sleep(50 * time.Millisecond) {
			_, kid, err := w.mint(ctx, alg)
			if err != nil {
				return err
			}
			if kid != old {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("the same key signs %s %s after the rotation", alg, rotationTimeout)
			}
		}
	}
	return nil
}

// mint returns a token and the kid of its key.
func (w *world) mint(ctx context.Context, alg string) (token, kid string, err error) {
	config := clientCredentials(w, w.Clients[alg], oauth2.AuthStyleInHeader, w.Resources[alg].ID)
	answer, err := config.Token(ctx)
	if err != nil {
		return "", "", err
	}
	message, err := jws.ParseString(answer.AccessToken)
	if err != nil {
		return "", "", err
	}
	return answer.AccessToken, message.Signatures()[0].ProtectedHeaders().KeyID(), nil
}

// goRotation verifies with the key sets from earlier fetches.
func goRotation(t *testing.T, w *world, v *verifiers, d *harness.Deployment) {
	tokens := map[string]string{}
	collect := func() {
		for _, alg := range algorithms() {
			token, _, err := w.mint(t.Context(), alg)
			if err != nil {
				t.Fatal(err)
			}
			tokens[token] = alg
		}
	}
	collect()
	if err := w.rotate(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	collect()
	for token, alg := range tokens {
		if _, err := v.verify(t.Context(), token, alg, w.Issuer, w.Resources[alg].ID); err != nil {
			t.Error(err)
		}
	}
}
