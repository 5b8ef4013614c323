package harness

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startTimeout is how long a server may take until it listens: a first start makes an RSA key, on a
// machine that runs other tests at the same time.
const startTimeout = time.Minute

// Server is a running server of a deployment.
type Server struct {
	t       testing.TB
	URL     string // of the public listener, without a slash at its end
	OpsURL  string
	command *exec.Cmd
	logs    logs
	printed logs // standard output
	exited  chan struct{}
}

// Start starts a server and waits until it listens. At the end of the test the server is killed,
// unless the test has stopped it.
func (d *Deployment) Start(args ...string) *Server {
	d.t.Helper()
	return d.start(append([]string{"serve"}, args...)...)
}

func (d *Deployment) start(args ...string) *Server {
	d.t.Helper()
	s := &Server{t: d.t, command: d.command(args...), exited: make(chan struct{})}
	s.command.Stdout = &s.printed
	stderr, err := s.command.StderrPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := s.command.Start(); err != nil {
		d.t.Fatal(err)
	}
	serving := make(chan struct{})
	go s.read(stderr, serving)
	d.t.Cleanup(s.Kill)
	select {
	case <-serving:
	case <-s.exited:
		d.t.Fatalf("the server ended before it listened:\n%s", s.Logs())
	case <-time.After(startTimeout):
		d.t.Fatalf("the server does not listen after %s:\n%s", startTimeout, s.Logs())
	}
	return s
}

// read keeps the log, and reads from it the addresses of the server.
func (s *Server) read(stderr io.Reader, serving chan<- struct{}) {
	defer close(s.exited)
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		s.logs.add(lines.Bytes())
		if s.URL != "" {
			continue // all addresses are known, and a benchmark needs the processor for other work
		}
		var line struct{ Msg, Listen, Ops string }
		var raw map[string]any
		if json.Unmarshal(lines.Bytes(), &raw) == nil && raw["msg"] == "serving" {
			line.Listen, _ = raw["listen"].(string)
			line.Ops, _ = raw["ops_listen"].(string)
			s.URL, s.OpsURL = "http://"+line.Listen, "http://"+line.Ops
			if raw["tls"] == true {
				s.URL = "https://" + line.Listen
			}
			close(serving)
		}
	}
	_ = s.command.Wait() // ProcessState has the result
}

// Logs returns what the server has logged so far.
func (s *Server) Logs() string { return s.logs.String() }

// Printed returns what the server has printed on standard output so far.
func (s *Server) Printed() string { return s.printed.String() }

// Kill ends the server as a power cut does.
func (s *Server) Kill() {
	_ = s.command.Process.Kill() // the server may have ended before
	<-s.exited
}

// Stop asks the server to end and returns its exit code.
func (s *Server) Stop() int {
	s.t.Helper()
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-s.exited:
	case <-time.After(startTimeout):
		s.t.Fatalf("the server does not end after SIGTERM:\n%s", s.Logs())
	}
	return s.command.ProcessState.ExitCode()
}

// Pid returns the process id.
func (s *Server) Pid() int { return s.command.Process.Pid }

type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) add(line []byte) {
	_, _ = l.Write(append(slices.Clone(line), '\n')) // a write to a buffer cannot fail
}

// Write implements io.Writer.
func (l *logs) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(text)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Clone(l.buf.String())
}
