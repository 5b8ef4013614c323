package handlers

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"authserver/internal/oauth"
	"authserver/internal/web"
)

// stalled begins a request whose body does not end, over HTTP/1.1 or HTTP/2. The answer is the
// server's last one.
func stalled(t *testing.T, server *httptest.Server, sent string) (answers chan answer, begun func()) {
	t.Helper()
	answers = make(chan answer, 1)
	reader, writer := io.Pipe()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+TokenPath, reader)
	if err != nil {
		t.Fatal(err)
	}
	request.ContentLength = 60 << 10
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// So that begun returns only after the server has begun to wait for the body.
	request.Header.Set("Expect", "100-continue")
	go func() {
		response, err := server.Client().Do(request)
		if err != nil {
			answers <- answer{body: err.Error()}
			return
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			body = []byte(err.Error())
		}
		answers <- answer{response.StatusCode, response.Header, string(body)}
	}()
	t.Cleanup(func() { _ = writer.CloseWithError(errors.New("the test is over")) })
	return answers, func() { _, _ = io.WriteString(writer, sent) } // the server may have refused it meanwhile
}

// serverThatLingers is a server with the listener of the product. With another listener, a client
// that is still writing may get a reset before it has read the answer.
func serverThatLingers(t *testing.T, handler http.Handler) *httptest.Server {
	t.Helper()
	listener, err := web.Listen(t.Context(), "127.0.0.1:0", 1000, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(listener.End)
	return &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler, ReadHeaderTimeout: web.RequestTimeout}}
}

func overBoth(t *testing.T, test func(t *testing.T, s *site, server *httptest.Server)) {
	for _, two := range []bool{false, true} {
		t.Run(map[bool]string{false: "HTTP/1.1", true: "HTTP/2"}[two], func(t *testing.T) {
			s := newSite(t)
			s.Door.Now = time.Now // the deadlines of connections use the real clock
			server := serverThatLingers(t, s.public(0))
			server.EnableHTTP2 = two
			server.StartTLS()
			server.Client().Transport.(*http.Transport).ExpectContinueTimeout = time.Minute
			t.Cleanup(server.Close)
			test(t, s, server)
		})
	}
}

// until waits for another goroutine.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// If all places are taken, the body that has been awaited for the longest time is ended, and its
// client is asked to try again.
func TestAStalledBodyIsOvertaken(t *testing.T) {
	overBoth(t, func(t *testing.T, s *site, server *httptest.Server) {
		s.Door.Places.Max = 2
		var all []chan answer
		for i := range 3 {
			answers, begin := stalled(t, server, "grant_type=")
			begin()
			all = append(all, answers)
			until(t, "the request has a place", func() bool { places, _ := s.Door.Places.InFlight(); return places >= min(i+1, 2) })
			if i < 2 {
				continue
			}
			v := visitor{TB: t}
			first := <-all[0]
			v.refused(first, http.StatusServiceUnavailable, oauth.Unavailable)
			if first.header.Get("Retry-After") == "" || !strings.Contains(first.body, "did not arrive") {
				t.Errorf("header %v, %s", first.header, first.body)
			}
		}
		get, err := server.Client().Get(server.URL + JWKSPath) // it takes the place of the second request
		if err != nil {
			t.Fatal(err)
		}
		if err := get.Body.Close(); err != nil || get.StatusCode != http.StatusOK {
			t.Errorf("the key set answers %d (%v)", get.StatusCode, err)
		}
		visitor{TB: t}.refused(<-all[1], http.StatusServiceUnavailable, oauth.Unavailable)
		if !strings.Contains(s.log.String(), `"reason":"body_overtaken"`) {
			t.Error("the log does not say why")
		}
	})
}

// The bytes of bodies are bounded too, and all clients together get no more than that.
func TestBodiesTakeNoMoreThanTheyMay(t *testing.T) {
	overBoth(t, func(t *testing.T, s *site, server *httptest.Server) {
		s.Door.Places.MaxBytes = 4 * (32 << 10) // for four streams of HTTP/2, and half of it for one host
		var all []chan answer
		for range 10 {
			answers, begin := stalled(t, server, strings.Repeat("a", 50<<10))
			go begin()
			all = append(all, answers)
		}
		refused := 0
		until(t, "most of them are refused", func() bool {
			if _, bytes := s.Door.Places.InFlight(); bytes > s.Door.Places.MaxBytes/2 {
				t.Fatalf("%d bytes are held", bytes)
			}
			for _, answers := range all {
				select {
				case a := <-answers:
					refused++
					if a.status != http.StatusServiceUnavailable && a.status != http.StatusTooManyRequests {
						t.Errorf("answered %d %s", a.status, a.body)
					}
				default:
				}
			}
			return refused >= 8
		})
	})
}

// A body that does not come in time gets an answer, and then the connection ends (RFC 9110
// §15.5.9).
func TestABodyThatIsLate(t *testing.T) {
	s := newSite(t)
	for _, secure := range []bool{false, true} {
		server := serverThatLingers(t, s.public(0))
		server.Config.ReadTimeout = 3 * time.Second // enough for the handshake on a busy machine
		if secure {
			server.StartTLS()
		} else {
			server.Start()
		}
		defer server.Close()
		connection, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if secure {
			connection = tls.Client(connection, &tls.Config{InsecureSkipVerify: true})
		}
		defer connection.Close()
		if err := connection.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(connection, "POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ngrant")
		if err != nil {
			t.Fatal(err)
		}
		reader := bufio.NewReader(connection)
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			t.Fatal(err)
		}
		visitor{TB: t}.refused(answer{response.StatusCode, response.Header, string(body)}, http.StatusRequestTimeout, oauth.InvalidRequest)
		if !response.Close {
			t.Error("the connection is to be used again")
		}
		if _, err := reader.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("the connection ends with %v", err)
		}
	}
	server := serverThatLingers(t, s.public(0))
	server.EnableHTTP2, server.Config.ReadTimeout = true, 3*time.Second
	server.StartTLS()
	defer server.Close()
	answers, begin := stalled(t, server, "grant_type=")
	begin()
	visitor{TB: t}.refused(<-answers, http.StatusRequestTimeout, oauth.InvalidRequest)
}

// A connection of HTTP/1.1 is used again after a refusal if the request was read.
func TestRefusalsKeepTheConnection(t *testing.T) {
	s := newSite(t)
	s.Door.Places.Max, s.Door.Places.MaxBytes = 10, 1<<20
	server := httptest.NewServer(s.public(0))
	defer server.Close()
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	reader := bufio.NewReader(connection)
	for _, request := range []string{
		"POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 5\r\n\r\ngrant",
		"POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ngrant\r\n0\r\n\r\n",
		"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\ngrant",
		"POST /oauth2/token?token=x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\ngrant",
		"GET /oauth2/token HTTP/1.1\r\nHost: a\r\n\r\n",
		"HEAD /.well-known/jwks.json HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /openapi.yaml HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		if _, err := io.WriteString(connection, request); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(reader, &http.Request{Method: strings.Fields(request)[0]})
		if err != nil {
			t.Fatalf("%s: %v", strings.Fields(request)[:2], err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil || response.Close {
			t.Errorf("%s: the connection is to end (%v)", strings.Fields(request)[:2], err)
		}
		_ = response.Body.Close()
	}
	until(t, "no place and no byte is left over", func() bool { places, bytes := s.Door.Places.InFlight(); return places == 0 && bytes == 0 })
}

// Answers that their client does not read count as requests, if the number of connections does not
// bound them.
func TestAnswersThatAreNotTaken(t *testing.T) {
	s := newSite(t)
	s.Door.Now, s.Door.Places.Max = time.Now, 5
	server := serverThatLingers(t, s.public(0))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	connection, err := tls.Dial("tcp", server.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(connection, connection)
	_, err = io.WriteString(connection, http2.ClientPreface)
	if err := errors.Join(err, framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})); err != nil {
		t.Fatal(err)
	}
	const requests = 12
	for i := range uint32(requests) {
		var block bytes.Buffer
		fields := hpack.NewEncoder(&block)
		for _, field := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", []string{"/openapi.yaml", "/healthz"}[i%2]}} {
			if err := fields.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
				t.Fatal(err)
			}
		}
		if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true}); err != nil {
			t.Fatal(err)
		}
	}
	for overtaken := 0; overtaken < requests-s.Door.Places.Max; {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatalf("%d were overtaken: %v", overtaken, err)
		}
		if _, reset := frame.(*http2.RSTStreamFrame); reset {
			overtaken++
		}
	}
	if places, _ := s.Door.Places.InFlight(); places > s.Door.Places.Max {
		t.Errorf("%d places are taken", places)
	}
	answer, err := server.Client().Get(server.URL + "/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("another client is answered %d (%v)", answer.StatusCode, err)
	}
}
