package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"authserver/bench/load"
	"authserver/internal/store/sqlite"
	"authserver/internal/store/storetest"
	"authserver/test/harness"
)

// taking is what a server uses of a machine.
type taking []struct {
	what  string
	limit float64
	unit  string
	value float64
}

// idle is how long a server is left alone before its memory is measured.
const idle = 5 * time.Second

// footprint measures starts, memory and the binary.
func footprint(b *testing.B, used *stage) taking {
	b.Helper()
	lite, postgres := harness.SQLite(b), harness.PostgreSQL(b)
	lite.Binary, postgres.Binary = used.deployment.Binary, used.deployment.Binary
	lite.Start().Stop() // makes the keys
	postgres.Start().Stop()
	first := func(d *harness.Deployment) (target, float64) {
		began := time.Now()
		s := d.Start()
		harness.Get(b, s.URL+jwks)
		return target{pid: s.Pid()}, time.Since(began).Seconds() * 1e3
	}
	var starts [2][]float64
	var fresh target
	for range 5 {
		for i, d := range []*harness.Deployment{lite, postgres} {
			t, took := first(d)
			starts[i] = append(starts[i], took)
			if i == 0 {
				fresh = t
			}
		}
	}
	time.Sleep(idle)
	idling, program := fresh.resident(b)
	released := withGo(b)
	lite.Binary = released
	own, _ := first(lite)
	time.Sleep(idle)
	ownIdling, ownProgram := own.resident(b)
	full, fullProgram := worked(b, used)
	of := func(what string, files int64) string {
		return fmt.Sprintf("resident memory, %s (%.0f MB of it pages of the program)", what, megabytes(files))
	}
	return taking{
		{"start to the first 200, SQLite with keys", 60, "ms", least(starts[0])},
		{"start to the first 200, PostgreSQL migrated", 120, "ms", least(starts[1])},
		{of("idle, make build-go", ownProgram), 35, "MB", megabytes(ownIdling)},
		{of("idle, with OpenSSL", program), 35, "MB", megabytes(idling)},
		{of("with OpenSSL, after 1,000,000 tokens and 10,000 clients", fullProgram), 80, "MB", megabytes(full)},
		{"binary, make build-go", 40, "MB", megabytes(size(b, released))},
	}
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }

// least returns the value of the least disturbed run.
func least(values []float64) float64 {
	smallest := values[0]
	for _, v := range values {
		smallest = min(smallest, v)
	}
	return smallest
}

// worked makes a server issue a million tokens to ten thousand clients, and returns its memory
// after that.
func worked(b *testing.B, s *stage) (all, files int64) {
	b.Helper()
	job := load.Job{Connections: connections, Duration: 10 * time.Minute, Total: 1_000_000}
	for _, client := range registerMany(b, s, 10_000) {
		job.Requests = append(job.Requests, s.post(b, "/oauth2/token", client, clientCredentials(apiES256)))
	}
	job.Address = s.address
	if got := answer[load.Result](b, job, "load"); got.Answered != job.Total { // the server counts nothing, because that takes memory
		b.Fatalf("%d of %d requests were answered well: %s", got.Answered, job.Total, got.First)
	}
	time.Sleep(idle)
	return s.resident(b)
}

// withOpenSSL builds the binary of make build: stripped and static, as it is installed.
func withOpenSSL(b *testing.B) string {
	b.Helper()
	return release(b, "CGO_ENABLED=1", "-tags", "openssl,netgo,osusergo", "-ldflags", "-s -w -linkmode external -extldflags -static")
}

// withGo builds the binary of make build-go: stripped, and without C.
func withGo(b *testing.B) string {
	b.Helper()
	return release(b, "CGO_ENABLED=0", "-ldflags", "-s -w")
}

// release builds the program and copies it, as for an installation: the kernel keeps the output of
// a linker in pieces of megabytes, and counts each whole piece as resident memory.
func release(b *testing.B, cgo string, flags ...string) string {
	b.Helper()
	linked, installed := filepath.Join(b.TempDir(), "linked"), filepath.Join(b.TempDir(), "authserver")
	build := exec.Command("go", slices.Concat([]string{"build", "-trimpath"}, flags, []string{"-o", linked, "authserver/cmd/authserver"})...)
	build.Env = append(os.Environ(), cgo)
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command("cp", linked, installed).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return installed
}

func size(b *testing.B, file string) int64 {
	b.Helper()
	info, err := os.Stat(file)
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}

// registerMany makes clients like the one of the stage, with its secret.
func registerMany(b *testing.B, s *stage, many int) []harness.Credentials {
	b.Helper()
	db, err := sqlite.Open(b.Context(), sqlite.Options{Path: strings.TrimPrefix(s.deployment.DatabaseURL(), "sqlite:")})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	client, err := db.Client(b.Context(), s.client.ID)
	if err != nil {
		b.Fatal(err)
	}
	made := make([]harness.Credentials, many)
	for i := range made {
		client.ID = fmt.Sprintf("bench-%d", i)
		made[i] = harness.Credentials{ID: client.ID, Secret: s.client.Secret}
		if err := db.CreateClient(b.Context(), client, storetest.By()); err != nil {
			b.Fatal(err)
		}
	}
	return made
}
