package pgtest

import (
	"context"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Wire carries connections to a database for as long as a test lets it.
type Wire struct {
	URL string // of the database, through the wire

	network, address string // of the server
	mu               sync.Mutex
	state            state
	open             []net.Conn
}

// state says what happens to the bytes.
type state int

const (
	whole  state = iota
	silent       // all bytes are dropped without an error
	deaf         // the bytes from the server are dropped without an error
	broken       // there is no connection
)

// NewWire leads to the database at a URL, until the test ends.
func NewWire(t testing.TB, direct string) *Wire {
	t.Helper()
	through, err := url.Parse(direct)
	if err != nil {
		t.Fatal("the URL of the database cannot be parsed")
	}
	config, err := pgx.ParseConfig(direct)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	through.Host = listener.Addr().String()
	query := through.Query()
	query.Del("host")
	query.Del("port")
	through.RawQuery = query.Encode()
	w := &Wire{URL: through.String()}
	w.network, w.address = pgconn.NetworkAddress(config.Host, config.Port)
	ctx, cancel := context.WithCancel(context.Background())
	var carriers sync.WaitGroup
	carriers.Go(func() { w.accept(ctx, listener, &carriers) })
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		w.Cut()
		carriers.Wait()
	})
	return w
}

// Cut breaks every connection, and those to come, like a server that is gone.
func (w *Wire) Cut() { w.become(broken, true) }

// Silence drops all bytes from now on, as a firewall does.
func (w *Wire) Silence() { w.become(silent, false) }

// Deafen drops the server's answers from now on: the server carries out its statements, but the
// client does not learn the result.
func (w *Wire) Deafen() { w.become(deaf, false) }

// Mend ends Cut, Silence and Deafen, and closes the connections that have lost bytes.
func (w *Wire) Mend() { w.become(whole, true) }

func (w *Wire) become(s state, hangUp bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state = s
	if !hangUp {
		return
	}
	for _, c := range w.open {
		_ = c.Close()
	}
	w.open = nil
}

func (w *Wire) is() state {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

func (w *Wire) accept(ctx context.Context, listener net.Listener, carriers *sync.WaitGroup) {
	for {
		near, err := listener.Accept()
		if err != nil {
			return
		}
		far, err := (&net.Dialer{}).DialContext(ctx, w.network, w.address)
		if err != nil {
			_ = near.Close()
			continue
		}
		if w.keep(near, far) {
			carriers.Go(func() { w.carry(near, far, true) })
			carriers.Go(func() { w.carry(far, near, false) })
		}
	}
}

// keep adds a new connection, or closes it if the wire is broken.
func (w *Wire) keep(ends ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state != broken {
		w.open = append(w.open, ends...)
		return true
	}
	for _, end := range ends {
		_ = end.Close()
	}
	return false
}

func (w *Wire) carry(to, from net.Conn, answers bool) {
	swallows := func() bool { s := w.is(); return s == silent || s == deaf && answers }
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			break
		}
		if swallows() {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			break
		}
	}
	if !swallows() {
		_ = to.Close()
	}
}
