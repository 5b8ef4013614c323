package blackbox

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"authserver/test/harness"
)

// keyIDOf reads the key of a refresh token from it: the four bytes after the version.
func keyIDOf(t *testing.T, token string) uint32 {
	t.Helper()
	decoded, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "art_"))
	if err != nil || len(decoded) < 5 {
		t.Fatalf("no refresh token: %v", err)
	}
	return binary.BigEndian.Uint32(decoded[1:])
}

type refreshTokenKey struct {
	ID       uint32     `json:"id"`
	State    string     `json:"state"`
	ActiveAt time.Time  `json:"active_at"`
	Retired  *time.Time `json:"retired_at"`
}

func refreshTokenKeys(t *testing.T, d *harness.Deployment, args ...string) map[string]refreshTokenKey {
	t.Helper()
	var listed []refreshTokenKey
	if err := json.Unmarshal([]byte(d.Run(append([]string{"key", "refresh-token-keys", "-o", "json"}, args...)...)), &listed); err != nil {
		t.Fatal(err)
	}
	states := make(map[string]refreshTokenKey)
	for _, k := range listed {
		states[k.State] = k
	}
	return states
}

// The key of refresh tokens rotates, and no user is logged out: neither with an earlier token, nor
// by a retry during the change.
func TestRefreshTokenKeysTakeTurns(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		d.Set("KEY_POLL_INTERVAL", "4s")
		d.Set("CLOCK_SKEW", "1s")
		d.Set("REFRESH_GRACE", "1m")
		f := registerUnserved(t, d)
		replicas := []*harness.Server{f.Start(), f.Start()}
		harness.Eventually(t, prepared, "the next key is prepared", func() bool { return refreshTokenKeys(t, d)["pending"].ID == 2 })
		idle := replicas[0].MustToken(t, f.web, login()).Text("refresh_token")
		lost := replicas[0].MustToken(t, f.web, login()).Text("refresh_token")
		successor := replicas[1].MustToken(t, f.web, refresh(lost)).Text("refresh_token")
		if keyIDOf(t, idle) != 1 || keyIDOf(t, successor) != 1 {
			t.Fatal("the refresh tokens are not of the first key")
		}

		planned := refreshTokenKeys(t, d, "--rotate")
		if planned["active"].ID != 1 || planned["pending"].ID != 2 || planned["active"].Retired == nil || time.Until(planned["pending"].ActiveAt) > 5*time.Second {
			t.Fatalf("it plans %v", planned)
		}
		for _, s := range replicas {
			harness.Eventually(t, 5*time.Second+reached, "a replica makes refresh tokens with the next key", func() bool {
				return keyIDOf(t, s.MustToken(t, f.web, login()).Text("refresh_token")) == 2
			})
		}
		for i, s := range replicas {
			if retried := s.MustToken(t, f.web, refresh(lost)).Text("refresh_token"); retried != successor {
				t.Errorf("replica %d answers a retry with another refresh token than before the change", i)
			}
			fresh := s.MustToken(t, f.web, login()).Text("refresh_token")
			replicas[1-i].MustToken(t, f.web, refresh(fresh))
		}
		next := replicas[0].MustToken(t, f.web, refresh(idle)).Text("refresh_token")
		if keyIDOf(t, next) != 2 {
			t.Errorf("the successor is of key %d", keyIDOf(t, next))
		}
		replicas[1].MustToken(t, f.web, refresh(next))
		replicas[1].MustToken(t, f.web, refresh(successor))
		if states := refreshTokenKeys(t, d); states["retired"].ID != 1 || states["active"].ID != 2 {
			t.Errorf("the keys are %v", states)
		}
		harness.Eventually(t, prepared, "the key after that is prepared", func() bool { return refreshTokenKeys(t, d)["pending"].ID == 3 })
		replicas[0].Kill()
		f.Start().MustToken(t, f.web, refresh(successor)) // within the grace
	})
}
