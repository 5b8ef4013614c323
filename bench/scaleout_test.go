package bench

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"authserver/bench/load"
	"authserver/test/harness"
)

// replicas returns the numbers of servers behind the proxy.
func replicas() []int { return []int{1, 2, 4} }

// fleet is servers with one processor each on one PostgreSQL, behind HAProxy.
type fleet struct {
	*stage
	servers []target
	proxy   target
	doors   map[int]string // the address at the proxy for each number of servers
}

func newFleet(b *testing.B) *fleet {
	b.Helper()
	d := harness.PostgreSQL(b)
	d.Env = append(d.Env, "GOMAXPROCS=1")
	f := &fleet{stage: newStage(b, d, 4)} // the benchmark is not about the slowness of bcrypt
	f.servers = []target{f.target}
	for range replicas()[len(replicas())-1] - 1 {
		s := d.Start()
		f.servers = append(f.servers, target{address: strings.TrimPrefix(s.URL, "http://"), pid: s.Pid()})
	}
	f.balance(b)
	return f
}

// balance starts HAProxy. It passes the listeners on, so that no port is guessed, and makes HAProxy
// write the one header that the load reads in Go's spelling.
func (f *fleet) balance(b *testing.B) {
	b.Helper()
	command := exec.Command("haproxy", "-f", "haproxy.cfg")
	command.Dir, command.Stderr = b.TempDir(), os.Stderr
	var config strings.Builder
	config.WriteString(`global
  nbthread 1
  h1-case-adjust content-length Content-Length
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option h1-case-adjust-bogus-client
`)
	f.doors = map[int]string{}
	for i, n := range replicas() {
		listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			b.Fatal(err)
		}
		file, err := listener.File()
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _, _ = listener.Close(), file.Close() })
		command.ExtraFiles = append(command.ExtraFiles, file)
		f.doors[n] = listener.Addr().String()
		fmt.Fprintf(&config, "listen of%d\n  bind fd@%d\n  balance roundrobin\n", n, 3+i) // 3 is the first of ExtraFiles
		for at, s := range f.servers[:n] {
			fmt.Fprintf(&config, "  server s%d %s\n", at, s.address)
		}
	}
	if err := os.WriteFile(command.Dir+"/haproxy.cfg", []byte(config.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	keep(b, command)
	f.proxy = target{pid: command.Process.Pid}
}

// scaled is the result of a job with a number of servers.
type scaled struct {
	load.Result
	servers, proxy time.Duration // CPU for each token
	wal            float64       // bytes for each token
}

// perCPU returns how many tokens a second of the servers' processors makes.
func (s scaled) perCPU() float64 { return float64(time.Second) / float64(s.servers) }

func (f *fleet) measure(b *testing.B, n int, job load.Job, wal *pgx.Conn) scaled {
	b.Helper()
	job.Address = f.doors[n]
	spent := func() (all time.Duration) {
		for _, s := range f.servers[:n] {
			all += s.cpu(b)
		}
		return all
	}
	servers, proxy, written := spent(), f.proxy.cpu(b), writtenAhead(b, wal)
	result := answer[load.Result](b, job, "load")
	if result.Answered == 0 || result.Refused > 0 {
		b.Fatalf("%d requests were answered and %d refused: %s", result.Answered, result.Refused, result.First)
	}
	each := func(d time.Duration) time.Duration { return d / time.Duration(result.Answered) }
	return scaled{
		result, each(spent() - servers), each(f.proxy.cpu(b) - proxy),
		(writtenAhead(b, wal) - written) / float64(result.Answered),
	}
}

// times is a job with n times the connections: each server has as many as a single one.
func times(n int, one func() load.Job) load.Job {
	all := one()
	for range n - 1 {
		more := one()
		all.Connections += more.Connections
		all.Requests, all.Chain = append(all.Requests, more.Requests...), append(all.Chain, more.Chain...)
	}
	return all
}

// writtenAhead returns the number of bytes of WAL so far.
func writtenAhead(b *testing.B, conn *pgx.Conn) (bytes float64) {
	b.Helper()
	if err := conn.QueryRow(b.Context(), "SELECT (pg_current_wal_insert_lsn() - '0/0')::float8").Scan(&bytes); err != nil {
		b.Fatal(err)
	}
	return bytes
}

// BenchmarkScaleOut shares the requests among servers with one processor each. On a machine with
// fewer processors than servers, wall-clock time means nothing: the result is the CPU time of the
// servers for a token. make bench-scaleout runs it, with -benchtime 1x.
func BenchmarkScaleOut(b *testing.B) {
	runs, duration := setting(b, runsSetting, 5), time.Duration(setting(b, secondsSetting, 2))*time.Second
	f := newFleet(b)
	wal, err := pgx.Connect(b.Context(), f.deployment.DatabaseURL())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = wal.Close(b.Context()) })
	jobs := map[string]func(testing.TB, *stage, time.Duration) load.Job{}
	names := []string{"client_credentials RS256", "client_credentials ES256", "password", "refresh"}
	for _, row := range rows() {
		jobs[row.name] = row.job
	}
	found := map[string][]map[int]scaled{}
	for range runs {
		for _, name := range names {
			round := map[int]scaled{}
			for _, n := range replicas() {
				round[n] = f.measure(b, n, times(n, func() load.Job { return jobs[name](b, f.stage, duration) }), wal)
			}
			found[name] = append(found[name], round)
		}
	}
	fmt.Print("\n", heading(b, "make bench-scaleout", runs, duration))
	fmt.Println("| | replicas, each with that many connections | tokens/s | tokens per CPU second of the servers | of linear | HAProxy's CPU µs | WAL bytes |\n|---|---|---|---|---|---|---|")
	for _, name := range names {
		for _, n := range replicas() {
			of := func(format string, value func(map[int]scaled) float64) string {
				return spread(found[name], format, value)
			}
			fmt.Printf("| %s | %d | %s | %s | %s | %s | %s |\n", name, n,
				of("%.0f", func(r map[int]scaled) float64 { return r[n].PerSecond() }),
				of("%.0f", func(r map[int]scaled) float64 { return r[n].perCPU() }),
				of("%.2f", func(r map[int]scaled) float64 { return r[n].perCPU() / r[1].perCPU() }),
				of("%.0f", func(r map[int]scaled) float64 { return microseconds(r[n].proxy) }),
				of("%.0f", func(r map[int]scaled) float64 { return r[n].wal }))
		}
	}
}
