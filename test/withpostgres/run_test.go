package main

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"authserver/test/ports"
)

// asProgram makes the test binary run main.
const asProgram = "WITHPOSTGRES_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// program is withpostgres as a process, with a TMPDIR of its own.
type program struct {
	*exec.Cmd
	tmp  string
	ours bool // it starts a server of its own
}

// newProgram returns withpostgres before its start. It makes a server of its own unless the only
// reachable PostgreSQL is the one of TEST_DATABASE_URL.
func newProgram(t *testing.T, args ...string) *program {
	t.Helper()
	tmp, err := os.MkdirTemp("", "wp-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(tmp) })
	if err := os.Chmod(tmp, 0o711); err != nil { // the account of the server must be able to pass through
		t.Fatal(err)
	}
	given := os.Getenv("TEST_DATABASE_URL")
	if len(installations(t.Context(), localPatterns())) > 0 {
		given = ""
	}
	p := &program{Cmd: exec.Command(os.Args[0], args...), tmp: tmp, ours: given == ""}
	p.Env = append(os.Environ(), asProgram+"=1", "TMPDIR="+tmp, "WITHPOSTGRES_MEMORY=none", "TEST_DATABASE_URL="+given)
	// This is a file instead of a pipe, because we would wait for the end of a pipe together with
	// the last of the command's processes.
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	p.Stderr = stderr
	t.Cleanup(func() {
		_ = stderr.Close()
		if t.Failed() {
			t.Logf("standard error:\n%s", p.said(t))
		}
	})
	return p
}

// said returns the text on standard error.
func (p *program) said(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(p.Stderr.(*os.File).Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// firstLine starts the program and returns the first line that its command
// writes. The command has not ended by then.
func (p *program) firstLine(t *testing.T) string {
	t.Helper()
	stdout, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("read the command's first line: %v", err)
	}
	return strings.TrimSpace(line)
}

// code waits for the program and returns its exit code, or -1 if a signal ended it.
func (p *program) code(t *testing.T) int {
	t.Helper()
	err := p.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return p.ProcessState.ExitCode()
}

// nothingLeft fails the test if the server of url answers, or a file exists, for longer than the
// end may take.
func (p *program) nothingLeft(t *testing.T, url string) {
	t.Helper()
	if !p.ours {
		return
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		answer := errors.New("not asked")
		if url != "" {
			_, answer = ask(t.Context(), url)
		}
		left, err := os.ReadDir(p.tmp)
		if err != nil {
			t.Fatal(err)
		}
		if answer != nil && len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind: server answers %v, files %v", answer == nil, left)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestTheCommandsExitCode(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		code int
	}{
		"of success":               {[]string{"--", "true"}, 0},
		"of a failure":             {[]string{"--", "sh", "-c", "exit 7"}, 7},
		"of a command that died":   {[]string{"sh", "-c", "kill -KILL $$"}, 137},
		"of one that is not there": {[]string{"no-such-command-anywhere"}, 127},
		"of no command at all":     {[]string{"--"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProgram(t, test.args...)
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			if got := p.code(t); got != test.code {
				t.Errorf("exit code %d, want %d", got, test.code)
			}
			p.nothingLeft(t, "")
		})
	}
}

func TestTheCommandGetsInputAndAServer(t *testing.T) {
	p := newProgram(t, "sh", "-c", `echo "$TEST_DATABASE_URL"; cat >&2`)
	p.Stdin = strings.NewReader("what was typed")
	url := p.firstLine(t)
	if got := p.code(t); got != 0 {
		t.Errorf("exit code %d", got)
	}
	if !strings.Contains(p.said(t), "what was typed") {
		t.Error("the standard input did not reach the command")
	}
	p.nothingLeft(t, url)
}

// tellAndStay is a command that prints the address of the server and then takes long.
var tellAndStay = []string{"sh", "-c", `echo "$TEST_DATABASE_URL"; exec sleep 300`}

func TestSignalsReachTheCommand(t *testing.T) {
	for name, sig := range map[string]syscall.Signal{
		"SIGTERM": syscall.SIGTERM,
		"SIGINT":  syscall.SIGINT,
		"SIGHUP":  syscall.SIGHUP,
	} {
		t.Run(name, func(t *testing.T) {
			p := newProgram(t, tellAndStay...)
			url := p.firstLine(t)
			if _, err := ask(t.Context(), url); err != nil {
				t.Errorf("the server does not answer: %v", err)
			}
			if err := p.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if got, want := p.code(t), 128+int(sig); got != want {
				t.Errorf("exit code %d, want %d", got, want)
			}
			p.nothingLeft(t, url)
		})
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	t.Run("by SIGKILL", func(t *testing.T) {
		p := newProgram(t, "sh", "-c", `echo "$TEST_DATABASE_URL"; cat`)
		held, err := p.StdinPipe() // so that the command ends when the test does
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		url := p.firstLine(t)
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		p.code(t)
		p.nothingLeft(t, url)
	})
	t.Run("when the process that started it is gone", func(t *testing.T) {
		p := newProgram(t, tellAndStay...)
		p.Args = append([]string{"sh", "-c", `"$0" "$@" & wait`, p.Path}, p.Args[1:]...)
		p.Path, p.Err = exec.LookPath("sh")
		url := p.firstLine(t)
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		p.code(t)
		p.nothingLeft(t, url)
	})
	t.Run("by a signal while the server starts", func(t *testing.T) {
		p := newProgram(t, tellAndStay...)
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		// The folder is the first thing that the program makes.
		deadline := time.Now().Add(20 * time.Second)
		for p.ours {
			if made, err := os.ReadDir(p.tmp); err != nil || len(made) > 0 || time.Now().After(deadline) {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if err := p.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		// On a slow machine the command has begun by now, and the signal ends it.
		if got := p.code(t); p.ours && got != 1 && got != 128+int(syscall.SIGTERM) {
			t.Errorf("exit code %d, want 1", got)
		}
		p.nothingLeft(t, "")
	})
}

func TestADatabaseThatDoesNotAnswerIsAnError(t *testing.T) {
	_, port, err := net.SplitHostPort(ports.Address(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = given(ctx, loopbackURL("secret", port))
	if err == nil || !strings.Contains(err.Error(), "TEST_DATABASE_URL") {
		t.Fatalf("error %v, want one that names TEST_DATABASE_URL", err)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the password is in the error: %v", err)
	}
}
