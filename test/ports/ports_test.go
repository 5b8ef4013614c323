package ports_test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"authserver/test/ports"
)

// Many callers, some in other processes, each get an address of their own, on which a server can
// listen, end, and listen again.
func TestAddressIsTheCallersAlone(t *testing.T) {
	const callers = 200
	if os.Getenv("PORTS_OF_A_CHILD") != "" {
		for range callers {
			if _, err := os.Stdout.WriteString(ports.Address(t) + "\n"); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = os.Stdin.Read(make([]byte, 1)) // keeps them until the parent has counted
		return
	}
	given := map[string]bool{}
	take := func(address string) {
		if given[address] {
			t.Errorf("%s was given twice", address)
		}
		given[address] = true
	}
	for range callers {
		take(ports.Address(t))
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAddressIsTheCallersAlone$")
	child.Env = append(os.Environ(), "PORTS_OF_A_CHILD=1")
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	child.Stdout = &lines{into: &out, left: callers, done: func() { _ = stdin.Close() }}
	if err := child.Run(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if address := strings.TrimSpace(line); strings.HasPrefix(address, "127.0.0.1:") {
			take(address)
		}
	}
	if len(given) != 2*callers {
		t.Errorf("%d addresses, want %d", len(given), 2*callers)
	}
	for address := range given {
		for range 2 {
			listener, err := net.Listen("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			if err := listener.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// lines keeps the written text and reports when it has a number of lines.
type lines struct {
	into *strings.Builder
	left int
	done func()
}

func (l *lines) Write(p []byte) (int, error) {
	if l.left -= strings.Count(string(p), "\n"); l.left == 0 {
		l.done()
	}
	return l.into.Write(p)
}

func TestAPortThatIsReleasedIsGivenAgain(t *testing.T) {
	port, release, err := ports.Take()
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", port)
	if held, err := net.ListenPacket("udp", address); err == nil {
		_ = held.Close()
		t.Errorf("%s is not held", address)
	}
	release()
	held, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	_ = held.Close()
}
