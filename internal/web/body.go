package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"authserver/internal/admission"
	"authserver/internal/oauth"
)

// lastWords is how long a client that lost its seat may take to be told.
const lastWords = time.Second

// Room for a body.
const (
	firstRead = 4 << 10 // bytes, until it has shown to be larger
	emptyBody = 512     // where it does not say how large it is
	// streamCost is what net/http takes for a stream of HTTP/2 whose body is under way: its
	// goroutine, and buffers of 16 KiB and of 4 KiB. HTTP/1.1 takes less, and for each
	// connection, of which the number is bounded.
	streamCost = 32 << 10
)

// requestSlot bounds what a request may hold while it is answered, and can cut off a client that
// keeps others waiting.
type requestSlot struct {
	place     admission.Place
	w         http.ResponseWriter // of net/http
	answering bool                // and not waiting for the body
	whole     bool                // the body was read to its end
}

// Abort implements [admission.Connection].
func (s *requestSlot) Abort() {
	connection, past := http.NewResponseController(s.w), time.Unix(1, 0)
	if s.answering {
		_ = connection.SetWriteDeadline(past) // of a connection that is gone, there is nothing left to cut
		return
	}
	_ = connection.SetReadDeadline(past)
}

// answer says that from now on the server waits only for the client to read the answer.
func (s *requestSlot) answer() error {
	s.answering = true
	return s.place.Wait(s)
}

// finish sends what is left of an answer over HTTP/2, whose clients can have each of their
// streams wait for as long as they like: net/http would wait after the seat is left. With
// HTTP/1.1 the buffers of the system take what is left.
func (s *requestSlot) finish(now time.Time) {
	connection := http.NewResponseController(s.w)
	if !s.answering && s.answer() != nil { // it lost its seat, and is to know why
		_ = connection.SetWriteDeadline(now.Add(lastWords))
	}
	_ = connection.Flush() // a client that is gone can be told nothing
}

// read reads the body of a request. Beside those of the body its errors are those of
// [admission.Place.Hold].
func (s *requestSlot) read(r *http.Request) ([]byte, error) {
	if r.ContentLength > oauth.MaxFormBytes {
		return nil, &http.MaxBytesError{Limit: oauth.MaxFormBytes}
	}
	size := emptyBody
	if r.ContentLength >= 0 {
		size = int(min(r.ContentLength+1, firstRead)) // one more, and the end is read with it
	}
	meanwhile := int64(0)
	if r.ProtoMajor >= 2 {
		meanwhile = streamCost
	}
	if err := s.place.Hold(int64(size) + meanwhile); err != nil {
		return nil, err
	}
	if err := s.place.Wait(s); err != nil {
		return nil, err
	}
	body, err := s.readInto(make([]byte, 0, size), http.MaxBytesReader(s.w, r.Body, oauth.MaxFormBytes))
	if overtaken := s.place.Resume(meanwhile); overtaken != nil {
		return nil, overtaken
	}
	s.whole = err == nil
	return body, err
}

// readInto is io.ReadAll that asks for room before it takes it.
func (s *requestSlot) readInto(body []byte, reader io.Reader) ([]byte, error) {
	for {
		n, err := reader.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, err
		}
		if len(body) < cap(body) {
			continue
		}
		size := min(2*cap(body), oauth.MaxFormBytes+1)
		if err := s.place.Hold(int64(size - cap(body))); err != nil {
			return nil, err
		}
		body = append(make([]byte, 0, size), body...)
	}
}

// Read reads the body of a request to its end, within bounds. Its errors say what to
// answer.
func (n *RequestInfo) Read(r *http.Request) ([]byte, error) {
	body, err := n.slot.read(r)
	if err == nil {
		return body, nil
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, bodyTooLarge(err)
	case errors.Is(err, admission.ErrShare), errors.Is(err, admission.ErrFull), errors.Is(err, admission.ErrOvertaken):
		return nil, fmt.Errorf("read the body: %w", err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, bodyLate(err)
	}
	return nil, oauth.Fail(oauth.InvalidRequest, "body_unreadable", "the body could not be read to its end").Because(err)
}

// leaves reports whether an answer over HTTP/1.1 ends the connection instead of waiting for
// the rest of the body: where it says that there is no room for that, or that it came too
// late.
func (s *requestSlot) leaves(r *http.Request, err error) bool {
	if r.ProtoMajor != 1 || s.whole || r.ContentLength == 0 {
		return false
	}
	status, _ := Classify(err)
	return refusedForLoad(err) || status == http.StatusRequestTimeout || status == http.StatusRequestEntityTooLarge
}
