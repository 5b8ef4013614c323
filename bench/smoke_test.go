//go:build !race

package bench

import (
	"math"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"authserver/bench/load"
	"authserver/test/harness"
)

// smoked is the number of requests over which a row is counted.
const smoked = 400

// counts is the most that a request may cost: allocations beyond those of a bare net/http server
// with the same signature, records of WAL, and round trips after the answer. The allocations of the
// bare server are measured in the same run, because they change with a release of Go, and about 3 %
// are added here for the difference between runs. Nothing here is a time.
var counts = map[string]struct {
	floor         string
	allocations   float64
	writes, reads float64
}{
	"client_credentials RS256": {"RS256", 60, 0, 0},
	"client_credentials ES256": {"ES256", 60, 0, 0},
	"password":                 {"RS256", 251, 7, 0}, // a row, its key and four indexes; its log line names the user
	"refresh":                  {"ES256", 219, 3, 0}, // a row that is locked and changed in place, and at times a page that is cleaned up
	"jwt-bearer RS256":         {"RS256", 210, 4, 0}, // a row, its key and an index
	"jwt-bearer ES256":         {"ES256", 225, 4, 0},
	"private_key_jwt":          {"ES256", 247, 4, 0},
	"DPoP":                     {"ES256", 345, 4, 0},
	"introspection":            {"static", 165, 0, 0},
	"introspection, again":     {"static", 130, 0, 0},
	"revocation":               {"static", 212, 5, 2}, // its notification makes the server read it, and then read that there is no more
	"authorize":                {"static", 262, 9, 0}, // a family: a row, its key, five indexes, and the rows that it refers to
	"authorization_code":       {"RS256", 342, 3, 0},
	"userinfo":                 {"static", 135, 0, 0},
	"login page":               {"static", 351, 0, 0},
	"JWKS":                     {"static", 10, 0, 0},
	"JWKS, 304":                {"static", 8, 0, 0},
}

// perRead is the number of allocations of one more round trip. How many there are depends on time:
// revocations whose notifications arrive together are read together, and polling has more round
// trips during requests that a busy machine makes slow.
const perRead = 53

// TestCounts fails if a request allocates, reads or writes more than it did.
func TestCounts(t *testing.T) {
	d := harness.PostgreSQLAlone(t)
	d.Env = append(d.Env, "GODEBUG=memprofilerate=0") // writing the profile costs as much as many requests
	s := newStage(t, d, 4)                            // the test is not about the slowness of bcrypt
	statistics, err := pgx.Connect(t.Context(), d.DatabaseURL())
	if err == nil {
		_, err = statistics.Exec(t.Context(), "CREATE EXTENSION pg_stat_statements")
	}
	if err != nil {
		t.Fatalf("the statements cannot be counted: %v", err)
	}
	defer func() { _ = statistics.Close(t.Context()) }()
	read := func(query string) float64 {
		var n float64
		if err := statistics.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	rest(t, s.target)
	floors := map[string]float64{}
	for _, kind := range []string{"static", "RS256", "ES256"} {
		bare := &stage{target: serveFloor(t, kind)}
		job := again(func(b testing.TB, s *stage) []byte { return s.token(b, "/oauth2/token", clientCredentials(apiRS256)) })(t, bare, time.Minute)
		job.Connections, job.Total = 1, smoked
		warm(t, bare, job)
		floors[kind] = measure(t, bare.target, job).Allocs
	}
	for _, row := range rows() {
		t.Run(row.name, func(t *testing.T) {
			want, listed := counts[row.name]
			if !listed {
				t.Fatal("say in counts what it may cost")
			}
			job := row.job(t, s, 100*time.Millisecond) // a few requests, if they must be prepared
			job.Connections = 1                        // concurrent requests would share round trips
			// The number is the same on a slow machine, because a sweep once a minute counts too.
			job.Total, job.Duration = smoked, time.Minute
			if job.Chain == nil && len(job.Requests) > 1 {
				job.Total = min(job.Total, len(job.Requests))
			}
			warm(t, s, job)
			before, written := read(asked), read(writes)
			got := measure(t, s.target, job)
			n := float64(got.Answered)
			background := max(0.3, 10/n) // round trips of polling, and of reading after a notification
			few := 1200 / n              // their allocations, and those of connecting
			if trips := row.trips + want.reads; got.Trips > trips+background {
				t.Errorf("%.2f round trips for each request, want %.0f", got.Trips, trips)
			}
			if seen := (read(asked) - before) / n; math.Abs(seen-got.Trips) > 2*background {
				t.Errorf("the server counts %.2f round trips, and PostgreSQL %.2f", got.Trips, seen)
			}
			if records := (read(writes) - written) / n; records > want.writes+background {
				t.Errorf("%.2f changes are written for each request, want %.0f", records, want.writes)
			}
			own := got.Allocs - floors[want.floor]
			t.Logf("%.1f allocations beside %.1f of the floor, %.2f round trips, %.2f changes", own, floors[want.floor], got.Trips, (read(writes)-written)/n)
			most := want.allocations + perRead*max(0, got.Trips-row.trips)
			if own > most+few {
				t.Errorf("%.1f allocations for each request beyond the floor, want %.0f at most", own, most)
			}
		})
	}
}

// rest waits until the server has finished its one-time work during its first requests: then each
// reading of the counters costs the same.
func rest(t *testing.T, server target) {
	t.Helper()
	last, cost, same := 0.0, 0.0, 0
	for range 100 {
		now := server.counters(t)[allocations]
		if same++; math.Abs(now-last-cost) > 100 {
			same = 0
		}
		if same == 3 {
			return
		}
		last, cost = now, now-last
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the server has much to do, without requests")
}

// warm fills the caches, without using up what is good once.
func warm(t *testing.T, s *stage, job load.Job) {
	if len(job.Requests) == 1 {
		job.Total = job.Connections
		measure(t, s.target, job)
	}
}

const (
	// asked counts the statements that other connections have sent to this database.
	asked = `SELECT coalesce(sum(calls), 0)::float8 FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
		WHERE d.datname = current_database() AND query NOT LIKE '%pg_stat_%'`
	// writes counts the records in PostgreSQL's log: one for a row and one for each of its indexes,
	// or one for a row that changed in place.
	writes = `SELECT coalesce(sum(wal_records), 0)::float8 FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
		WHERE d.datname = current_database() AND query NOT LIKE '%pg_stat_%'`
)
