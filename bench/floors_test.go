package bench

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"authserver/bench/floor"
	"authserver/bench/load"
)

// floors are the least that requests can cost.
type floors struct {
	static, rs256, es256 target
	rotations            *pgbench
}

func newFloors(b testing.TB, s *stage) floors {
	return floors{
		static: serveFloor(b, "static"), rs256: serveFloor(b, "RS256"), es256: serveFloor(b, "ES256"),
		rotations: newPgbench(b, s),
	}
}

// taken is the floors of one run, with which the rows of the same run are compared.
type taken struct {
	static, rs256, es256   measured
	openssl                time.Duration // one signature with a 2048 bit RSA key
	bcrypt, verify, update floor.Each
	rotations              float64 // a second, by pgbench
}

func (f floors) take(b testing.TB, duration time.Duration) taken {
	b.Helper()
	bare := load.Job{Connections: connections, Duration: duration}
	request := func(t target) measured {
		s := &stage{target: t}
		bare.Requests = [][]byte{s.token(b, "/oauth2/token", clientCredentials(apiRS256))}
		return measure(b, t, bare)
	}
	return taken{
		static: request(f.static), rs256: request(f.rs256), es256: request(f.es256),
		openssl: opensslSpeed(b, duration),
		bcrypt:  loop(b, "bcrypt", max(duration, 2*time.Second)), verify: loop(b, "verify", duration), update: loop(b, "sqlite", duration),
		rotations: f.rotations.perSecond(b, duration),
	}
}

// opensslSpeed returns the time of one signature by `openssl speed`.
func opensslSpeed(b testing.TB, duration time.Duration) time.Duration {
	b.Helper()
	seconds := strconv.Itoa(max(1, int(duration.Seconds())))
	out, err := exec.Command("openssl", "speed", "-mr", "-seconds", seconds, "rsa2048").Output()
	if err != nil {
		b.Fatalf("openssl speed: %v", err)
	}
	for line := range strings.Lines(string(out)) { // +F2:2:2048:signatures a second:verifications a second
		if fields := strings.Split(line, ":"); fields[0] == "+F2" && len(fields) == 5 {
			rate, err := strconv.ParseFloat(fields[3], 64)
			if err != nil {
				b.Fatal(err)
			}
			return time.Duration(float64(time.Second) / rate)
		}
	}
	b.Fatalf("openssl speed says nothing of RSA:\n%s", out)
	return 0
}
