package web

import (
	"context"
	"net"
	"sync"
	"time"
)

// How long the server reads from a connection that it closes.
const (
	lingerIdle = 2 * time.Second // with nothing to read
	maxLinger  = RequestTimeout  // as long as the request could have taken
	lingerRead = 4 << 10         // bytes at a time
)

// Listener is a TCP listener with a maximum number of connections. Further connections wait to be
// accepted. A connection counts until its client has noticed that it is closed.
type Listener struct {
	*net.TCPListener
	now    func() time.Time
	places chan struct{}
	closed chan struct{}
	once   sync.Once

	mu        sync.Mutex
	ended     bool
	lingering map[*connection]struct{}
	drains    sync.WaitGroup
}

// Listen listens on an address, HOST:PORT, for a number of connections at once. now sets the
// deadlines of connections that linger, which the system measures by the real clock. Its errors
// are those of [net.ListenConfig.Listen].
func Listen(ctx context.Context, address string, connections int, now func() time.Time) (*Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &Listener{
		TCPListener: listener.(*net.TCPListener), now: now, places: make(chan struct{}, connections),
		closed: make(chan struct{}), lingering: make(map[*connection]struct{}),
	}, nil
}

// Accept waits for a place, and then for a connection.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	tcp, err := l.AcceptTCP()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &connection{Conn: tcp, tcp: tcp, of: l}, nil
}

// Connections returns the number of connections, including those that linger.
func (l *Listener) Connections() int { return len(l.places) }

// Close stops accepting.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.TCPListener.Close()
}

// End closes the connections that linger, and waits until that is done.
func (l *Listener) End() {
	l.mu.Lock()
	l.ended = true
	for c := range l.lingering {
		_ = c.tcp.Close() // which ends its drain
	}
	l.mu.Unlock()
	l.drains.Wait()
}

// linger drains a connection, and reports false if the listener has ended.
func (l *Listener) linger(c *connection) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.lingering[c] = struct{}{}
	l.drains.Go(func() {
		c.drain()
		l.mu.Lock()
		delete(l.lingering, c)
		l.mu.Unlock()
		<-l.places
	})
	return true
}

// connection is closed in steps (RFC 9112 §9.6): the server stops writing, reads and discards what
// the client still sends, and then closes. If it closed at once with unread data, the client would
// get a reset, and its system would discard the answer. It has CloseWrite, which net/http looks
// for.
type connection struct {
	net.Conn
	tcp *net.TCPConn
	of  *Listener

	reading sync.Mutex // held while reading
	mu      sync.Mutex // guards closed and the deadline
	closed  bool
}

// Read implements [net.Conn].
func (c *connection) Read(p []byte) (int, error) {
	if c.isClosed() {
		return 0, net.ErrClosed
	}
	c.reading.Lock()
	defer c.reading.Unlock()
	n, err := c.tcp.Read(p)
	if err != nil && c.isClosed() {
		return n, net.ErrClosed
	}
	return n, err
}

// CloseWrite tells the client that nothing more comes.
func (c *connection) CloseWrite() error { return c.tcp.CloseWrite() }

// Close returns at once. The client has some time left to finish what it sends.
func (c *connection) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return net.ErrClosed
	}
	c.closed = true
	_ = c.tcp.SetReadDeadline(time.Unix(1, 0)) // makes a Read that is under way return
	c.mu.Unlock()
	if err := c.tcp.CloseWrite(); err == nil && c.of.linger(c) {
		return nil
	}
	<-c.of.places
	return c.tcp.Close()
}

// drain reads until the client has closed its side, or a limit is reached.
func (c *connection) drain() {
	defer c.tcp.Close()
	c.reading.Lock()
	defer c.reading.Unlock()
	most := c.of.now().Add(maxLinger)
	for buffer := make([]byte, lingerRead); ; {
		until := c.of.now().Add(lingerIdle)
		if until.After(most) {
			until = most
		}
		if err := c.tcp.SetReadDeadline(until); err != nil {
			return
		}
		if _, err := c.tcp.Read(buffer); err != nil {
			return
		}
	}
}

// SetReadDeadline implements [net.Conn].
func (c *connection) SetReadDeadline(t time.Time) error {
	return c.unlessClosed(t, c.tcp.SetReadDeadline)
}

// SetDeadline implements [net.Conn].
func (c *connection) SetDeadline(t time.Time) error { return c.unlessClosed(t, c.tcp.SetDeadline) }

func (c *connection) unlessClosed(t time.Time, set func(time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	return set(t)
}

func (c *connection) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}
