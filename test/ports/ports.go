// Package ports gives addresses of the loopback interface to servers that must know theirs before
// they listen, for example because the issuer identifier names it.
//
// A port that the system chose and that was closed again is not safe: the system may give it to the
// next listener or connection of any process before the server takes it, and the test then talks to
// another server.
package ports

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// first and end bound the ports. They are below those that Linux (from 32768) and other systems
// (from 49152, RFC 6335 §6) assign.
const first, end = 20000, 32000

// Take returns a port of 127.0.0.1 that no other caller of Take gets, in this process or in
// another, until release is called. No process listens there.
func Take() (port string, release func(), err error) {
	var refused error
	from := rand.IntN(end - first)
	for i := range end - first {
		port = strconv.Itoa(first + (from+i)%(end-first))
		release, err := take(net.JoinHostPort("127.0.0.1", port))
		if err == nil {
			return port, release, nil
		}
		refused = err
	}
	return "", nil, fmt.Errorf("no port from %d to %d is free: %w", first, end-1, refused)
}

// take reserves the port over UDP, whose ports are separate: the server can listen over TCP, and
// another caller of Take sees that the port is taken.
func take(address string) (release func(), err error) {
	held, err := net.ListenPacket("udp", address)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", address)
	if err == nil {
		err = listener.Close()
	}
	if err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return func() { _ = held.Close() }, nil
}

// Address returns an address on which only the test's own server will listen, until the test ends.
func Address(t testing.TB) string {
	t.Helper()
	port, release, err := Take()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return net.JoinHostPort("127.0.0.1", port)
}
