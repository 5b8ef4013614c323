package blackbox

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"authserver/test/harness"
)

// frames is a connection of HTTP/2 of which the test writes each frame.
type frames struct {
	*tls.Conn
	framer *http2.Framer
	block  bytes.Buffer
	fields *hpack.Encoder
}

// dialFrames begins a connection. It reads and discards what the server sends, but reads only as
// many bytes of each answer as the window allows.
func dialFrames(address string, roots *x509.CertPool, window uint32) (*frames, error) {
	connection, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", NextProtos: []string{"h2"}})
	if err != nil {
		return nil, err
	}
	c := &frames{Conn: connection, framer: http2.NewFramer(connection, connection)}
	c.fields = hpack.NewEncoder(&c.block)
	_, err = io.WriteString(connection, http2.ClientPreface)
	if err == nil {
		err = c.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
	}
	return c, err
}

// header encodes the header of a request.
func (c *frames) header(method, path string, more ...string) []byte {
	c.block.Reset()
	all := append([]string{":method", method, ":scheme", "https", ":authority", "a", ":path", path}, more...)
	for i := 0; i+1 < len(all); i += 2 {
		_ = c.fields.WriteField(hpack.HeaderField{Name: all[i], Value: all[i+1]}) // a write to a buffer cannot fail
	}
	return bytes.Clone(c.block.Bytes())
}

func (c *frames) request(stream uint32, method, path string, whole bool) error {
	return c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: c.header(method, path, "content-type", formType), EndStream: whole, EndHeaders: true})
}

// A10: the server tells a connection how many concurrent requests it may have, and accepts no more.
func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	d := harness.SQLite(t)
	register(t, d)
	own := secure(t, d)
	s := d.Start()
	roots := x509.NewCertPool()
	roots.AddCert(own.certificate)
	c, err := dialFrames(strings.TrimPrefix(s.URL, "https://"), roots, 1<<16)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(reached)); err != nil {
		t.Fatal(err)
	}
	const last = 2*streams + 1
	for stream := uint32(1); stream <= last; stream += 2 {
		if err := c.request(stream, "POST", "/oauth2/token", false); err != nil {
			t.Fatal(err)
		}
	}
	told := uint32(0)
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if most, ok := frame.Value(http2.SettingMaxConcurrentStreams); ok {
				told = most
			}
		case *http2.RSTStreamFrame:
			if frame.StreamID != last || frame.ErrCode != http2.ErrCodeRefusedStream {
				t.Errorf("stream %d is refused with %s", frame.StreamID, frame.ErrCode)
			}
			if told != streams {
				t.Errorf("%d streams are allowed, want %d", told, streams)
			}
			return
		}
	}
}

// A10: frames that cost the client next to nothing use little of the server's memory and do not
// affect others. If the server would have to keep something for later, it ends the connection.
func TestFloodsOfFrames(t *testing.T) {
	t.Parallel()
	const mayGrow = 64 << 20
	for _, test := range []struct {
		name  string
		ends  bool
		flood func(c *frames) error // until the connection ends
	}{
		{"a header that goes on and on (CVE-2023-45288)", true, func(c *frames) error {
			err := c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.header("GET", "/healthz"), EndStream: true})
			more := c.header("GET", "/", "x", strings.Repeat("y", 18_000)) // 16 KB, as large as a frame may be
			for err == nil {
				err = c.framer.WriteContinuation(1, false, more)
				time.Sleep(time.Millisecond) // so that these are more than mayGrow in the ten seconds of a request
			}
			return err
		}},
		{"empty pieces of a header (CVE-2019-9518)", false, func(c *frames) error {
			err := c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.header("GET", "/healthz"), EndStream: true})
			for err == nil {
				err = c.framer.WriteContinuation(1, false, nil)
			}
			return err
		}},
		{"pings whose answers the client does not read (CVE-2019-9512)", true, func(c *frames) (err error) {
			for err == nil {
				err = c.framer.WritePing(false, [8]byte{})
			}
			return err
		}},
		{"settings whose answers the client does not read (CVE-2019-9515)", false, func(c *frames) (err error) {
			for err == nil {
				err = c.framer.WriteSettings()
			}
			return err
		}},
		{"requests that are reset at once (CVE-2023-44487)", false, func(c *frames) (err error) {
			for stream := uint32(1); err == nil; stream += 2 {
				if err = c.request(stream, "POST", "/oauth2/token", false); err == nil {
					err = c.framer.WriteRSTStream(stream, http2.ErrCodeCancel)
				}
			}
			return err
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := harness.SQLite(t)
			f := register(t, d)
			own := secure(t, d)
			s := d.Start()
			roots := x509.NewCertPool()
			roots.AddCert(own.certificate)
			before := resident(t, s)
			c, err := dialFrames(strings.TrimPrefix(s.URL, "https://"), roots, 1<<16)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			long := 3 * time.Second
			if test.ends {
				long = 30 * time.Second
			}
			if err := c.SetDeadline(time.Now().Add(long)); err != nil {
				t.Fatal(err)
			}
			flooded := make(chan error, 1)
			go func() { flooded <- test.flood(c) }()
			if _, refused := askBy(t, asking(t, own.certificate, nil), s.URL, "client_id=batch&client_secret="+f.batch.Secret, nil); refused != "" {
				t.Errorf("another client is refused with %s", refused)
			}
			err = <-flooded
			grown := resident(t, s) - before
			t.Logf("it ends with %v, and the server grew by %d MB", err, grown>>20)
			if errors.Is(err, os.ErrDeadlineExceeded) && test.ends {
				t.Errorf("the connection bears it for %s", long)
			}
			if grown > mayGrow {
				t.Errorf("the server grew by %d MB", grown>>20)
			}
		})
	}
}

// resident returns how much memory the system has given to the server, in bytes.
func resident(t *testing.T, s *harness.Server) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "\nVmRSS:")
	kb, err := strconv.Atoi(strings.Fields(rest + " x")[0])
	if err != nil {
		t.Fatalf("the system does not say how much memory the server has: %v", err)
	}
	return kb << 10
}
