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

// lastWords is how long the server writes an answer to a client that lost its place.
const lastWords = time.Second

// Sizes for reading a body.
const (
	firstRead = 4 << 10 // bytes of the first read
	emptyBody = 512     // if Content-Length is missing
	// streamCost is the memory that net/http uses for a stream of HTTP/2 whose body is under way:
	// its goroutine, and buffers of 16 KiB and 4 KiB. HTTP/1.1 uses less, once for each connection,
	// and the number of connections is bounded.
	streamCost = 32 << 10
)

// requestSlot bounds the memory of a request, and can cut off a client that keeps others waiting.
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
		_ = connection.SetWriteDeadline(past) // the connection is gone, so nothing is left to cut off
		return
	}
	_ = connection.SetReadDeadline(past)
}

// answer marks that from now on the server only waits for the client to read the answer.
func (s *requestSlot) answer() error {
	s.answering = true
	return s.place.Wait(s)
}

// finish sends the rest of an answer over HTTP/2, whose clients can delay each of their streams:
// otherwise net/http would wait after the place is given back. With HTTP/1.1 the buffers of the
// system take the rest.
func (s *requestSlot) finish(now time.Time) {
	connection := http.NewResponseController(s.w)
	if !s.answering && s.answer() != nil { // it lost its place, and has to learn why
		_ = connection.SetWriteDeadline(now.Add(lastWords))
	}
	_ = connection.Flush() // the client is gone
}

// read reads the body of a request. Beside those of the body its errors are those of
// [admission.Place.Hold].
func (s *requestSlot) read(r *http.Request) ([]byte, error) {
	if r.ContentLength > oauth.MaxFormBytes {
		return nil, &http.MaxBytesError{Limit: oauth.MaxFormBytes}
	}
	size := emptyBody
	if r.ContentLength >= 0 {
		size = int(min(r.ContentLength+1, firstRead)) // one byte more, so that the last read also finds the end
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

// readInto is io.ReadAll that reserves memory before it allocates.
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

// Read reads the body of a request to its end, within bounds. Its errors are ready to be answered.
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

// leaves reports whether an answer over HTTP/1.1 ends the connection instead of waiting for the
// rest of the body: because the body is too large or too late.
func (s *requestSlot) leaves(r *http.Request, err error) bool {
	if r.ProtoMajor != 1 || s.whole || r.ContentLength == 0 {
		return false
	}
	status, _ := Classify(err)
	return refusedForLoad(err) || status == http.StatusRequestTimeout || status == http.StatusRequestEntityTooLarge
}
