package bench

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// floorTime is for how long a floor is measured.
const floorTime = 500 * time.Millisecond

// floors are what a request cannot cost less than, each measured once a run.
type floors struct {
	static, rs256, es256 func() time.Duration // one request to a bare net/http server
	bcrypt               func() time.Duration // one comparison at the cost that is benched
}

// benchCost is the bcrypt cost of the benches.
const benchCost = 10

func newFloors(b *testing.B) floors {
	b.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("password"), benchCost)
	if err != nil {
		b.Fatal(err)
	}
	return floors{
		static: sync.OnceValue(func() time.Duration { return overHTTP(b, func() {}) }),
		rs256:  sync.OnceValue(func() time.Duration { return overHTTP(b, signer(b, rsaKey)) }),
		es256:  sync.OnceValue(func() time.Duration { return overHTTP(b, signer(b, ecKey)) }),
		bcrypt: sync.OnceValue(func() time.Duration {
			return average(func() {
				if err := bcrypt.CompareHashAndPassword(hash, []byte("password")); err != nil {
					b.Error(err)
				}
			})
		}),
	}
}

func signer(b *testing.B, key crypto.Signer) func() {
	digest := sha256.Sum256([]byte("a payload"))
	return func() {
		if _, err := key.Sign(rand.Reader, digest[:], crypto.SHA256); err != nil {
			b.Error(err)
		}
	}
}

// overHTTP is the time of a request to a server that does the work and nothing
// else, one request after the other, as the benches send theirs.
func overHTTP(b *testing.B, work func()) time.Duration {
	b.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		work()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, strings.Repeat("x", 900))
	}))
	defer server.Close()
	client := server.Client()
	return average(func() {
		answer, err := client.Post(server.URL, "application/x-www-form-urlencoded", strings.NewReader("grant_type=client_credentials"))
		if err != nil {
			b.Error(err)
			return
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
	})
}

func average(work func()) time.Duration {
	work() // warm up
	began, done := time.Now(), 0
	for time.Since(began) < floorTime {
		work()
		done++
	}
	return time.Since(began) / time.Duration(done)
}
