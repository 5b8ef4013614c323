package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"authserver/bench/floor"
	"authserver/bench/load"
	"authserver/test/harness"
)

// role is what a copy of the test binary runs instead of tests, because the load and the floors are
// processes of their own: "load", "serve KIND" or "loop KIND DURATION FOLDER".
const role = "AUTHSERVER_BENCH_ROLE"

func TestMain(m *testing.M) {
	words := strings.Fields(os.Getenv(role))
	if len(words) == 0 {
		harness.Main(m)
		return
	}
	if err := play(words); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func play(words []string) error {
	switch words[0] {
	case "serve":
		return floor.Serve(words[1], os.Stdout)
	case "loop":
		duration, err := time.ParseDuration(words[2])
		if err != nil {
			return err
		}
		took, err := floor.Loop(words[1], duration, words[3])
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(took)
	}
	return load.Serve(os.Stdin, os.Stdout)
}

func as(b testing.TB, words ...string) *exec.Cmd {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	command := exec.Command(self)
	command.Env = append(os.Environ(), role+"="+strings.Join(words, " "))
	command.Stderr = os.Stderr
	return command
}

// answer runs a copy and returns its result.
func answer[T any](b testing.TB, input any, words ...string) T {
	b.Helper()
	return begin[T](b, input, words...)()
}

// begin runs a copy, and returns a function that waits for its result.
func begin[T any](b testing.TB, input any, words ...string) (wait func() T) {
	b.Helper()
	command := as(b, words...)
	var out bytes.Buffer
	command.Stdout = &out
	if input != nil {
		text, err := json.Marshal(input)
		if err != nil {
			b.Fatal(err)
		}
		command.Stdin = bytes.NewReader(text)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	return func() T {
		b.Helper()
		var result T
		err := command.Wait()
		if err == nil {
			err = json.Unmarshal(out.Bytes(), &result)
		}
		if err != nil {
			b.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out.String())
		}
		return result
	}
}

// target is a measured server: ours or a floor.
type target struct {
	address string
	pid     int
	ops     string // URL of the ops listener; "": it has none
}

// keep runs a command until the benchmark ends.
func keep(b testing.TB, command *exec.Cmd) {
	b.Helper()
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed
	})
}

// serveFloor starts a floor that answers requests, until the benchmark ends.
func serveFloor(b testing.TB, kind string) target {
	b.Helper()
	command := as(b, "serve", kind)
	stdout, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	keep(b, command)
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatalf("the floor %s does not listen: %v", kind, err)
	}
	return target{address: strings.TrimSpace(address), pid: command.Process.Pid}
}

// loop runs a floor that is a loop.
func loop(b testing.TB, kind string, duration time.Duration) floor.Each {
	b.Helper()
	return answer[floor.Each](b, nil, "loop", kind, duration.String(), b.TempDir())
}
