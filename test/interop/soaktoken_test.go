//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"
	"golang.org/x/oauth2"

	"authserver/test/harness"
)

// patience is how long the soak waits for one answer.
const patience = 5 * time.Second

// mintAt makes a replica issue tokens of both algorithms until ctx ends, and verifies each at once
// and, in a goroutine of the group, again.
func (s *soak) mintAt(ctx context.Context, group *sync.WaitGroup, r *replica) {
	for i := 0; ; i++ {
		alg := algorithms()[i%len(algorithms())]
		if m := s.mint(ctx, r, alg); m != nil {
			s.present(m, "at once")
			group.Go(func() {
				time.Sleep(time.Until(m.expires.Add(-beforeExpiry)))
				s.present(m, "before it expires")
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(mintEvery):
		}
	}
}

// mint returns nil if the replica is down, or has failed.
func (s *soak) mint(ctx context.Context, r *replica, alg string) *minted {
	server := r.server()
	if server == nil {
		return nil
	}
	config := clientCredentials(s.w, s.w.Clients[alg], oauth2.AuthStyleInHeader, s.w.Resources[alg].ID)
	config.TokenURL = server.URL + "/oauth2/token"
	// The request must not end with the minting, because its answer would be lost.
	bounded := context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, &http.Client{Timeout: patience})
	before := time.Now()
	answer, err := config.Token(bounded)
	after := time.Now()
	if err != nil {
		if r.server() == server {
			s.book.fail("replica %s gives no %s token: %v", r.name, alg, err)
		}
		return nil
	}
	m := &minted{replica: r.name, raw: answer.AccessToken, alg: alg, before: before, after: after}
	if err := m.read(); err != nil {
		s.book.fail("replica %s gives what is no token: %v", r.name, err)
		return nil
	}
	s.book.add(m)
	return m
}

func (m *minted) read() error {
	message, err := jws.ParseString(m.raw)
	if err != nil {
		return err
	}
	claims, err := jwt.ParseInsecure([]byte(m.raw))
	if err != nil {
		return err
	}
	m.kid, m.expires = message.Signatures()[0].ProtectedHeaders().KeyID(), claims.Expiration()
	return nil
}

func (s *soak) present(m *minted, when string) {
	for _, v := range s.verifiers {
		v.ask(s.book, m, when, s.w.Resources[m.alg].ID)
	}
}

// watch fetches the JWKS of a replica until ctx ends.
func (s *soak) watch(ctx context.Context, r *replica) {
	client := &http.Client{Timeout: patience}
	for {
		if server := r.server(); server != nil {
			before := time.Now()
			kids, err := published(client, server)
			switch {
			case err == nil:
				s.book.look(r.name, server, kids, before, time.Now())
			case r.server() == server:
				s.book.fail("the JWKS of replica %s: %v", r.name, err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookEvery):
		}
	}
}

// published returns the keys in the JWKS of a process, or what is wrong with it.
func published(client *http.Client, s *harness.Server) ([]string, error) {
	response, err := client.Get(s.URL + jwksPath)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	cacheControl := fmt.Sprintf("public, max-age=%.0f", soakMaxAge.Seconds())
	if response.StatusCode != http.StatusOK || response.Header.Get("Cache-Control") != cacheControl {
		return nil, fmt.Errorf("status %d and Cache-Control %q, want 200 and %q", response.StatusCode, response.Header.Get("Cache-Control"), cacheControl)
	}
	var set struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, err
	}
	var kids []string
	for _, k := range set.Keys {
		kids = append(kids, k.Kid)
	}
	return kids, nil
}
