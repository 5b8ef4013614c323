// Package ports gives addresses of the loopback interface to servers that have to know
// theirs before they listen, such as one whose issuer identifier names it.
//
// A port that the system chose and that was closed again is no such address: the system
// may give it to the next listener or connection of any process before the server takes it,
// and a test then speaks to another's server.
package ports

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// first and end bound the ports that are given. They are below those that Linux (from
// 32768) and others (from 49152, RFC 6335 §6) give out by themselves.
const first, end = 20000, 32000

// Take returns a port of 127.0.0.1 that no other caller gets, in this process or in
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

// take holds the address over UDP, which has ports of its own: the server can listen over
// TCP, and another caller of Take sees that this one is taken.
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

// Address is an address on which only what the test starts will listen, until the test ends.
func Address(t testing.TB) string {
	t.Helper()
	port, release, err := Take()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return net.JoinHostPort("127.0.0.1", port)
}
