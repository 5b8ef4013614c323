// Package load sends requests over a fixed number of keep-alive connections, in a process of its
// own, and reports how many were answered, how fast, and how much CPU time the sending took. It
// refuses to decide what to send: the requests come ready to be written, so that there is little to
// do while the clock runs.
//
// Start at [Run].
package load

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"authserver/bench/process"
)

// Job is the requests to send, and the server that gets them.
type Job struct {
	Address     string        // host:port
	Connections int           // each sends its next request when the last one is answered
	Duration    time.Duration // for how long
	// Requests are written unchanged. Each connection takes the next one, and they begin again at
	// the end, until there were Total; 0: until the time is over.
	Requests [][]byte
	Total    int
	// Chain is for refresh tokens: connection i begins with request i, and replaces the token in it
	// by the "refresh_token" of the answer, which has the same length. Total is a limit here too.
	Chain []string
	// Rate is the number of requests that are due a second, even if the server does not keep up; 0:
	// as many as it answers. The time of an answer counts from the moment at which its request was
	// due.
	Rate int
}

// due returns the earliest moment for the n-th request, or false if the job has fewer.
func (j Job) due(n int, began time.Time) (time.Time, bool) {
	if j.Total > 0 && n >= j.Total {
		return time.Time{}, false
	}
	if j.Rate == 0 {
		now := time.Now()
		return now, now.Before(began.Add(j.Duration))
	}
	after := time.Duration(n) * time.Second / time.Duration(j.Rate)
	return began.Add(after), after < j.Duration && time.Since(began) < j.Duration+time.Second
}

// Result is the result of a job.
type Result struct {
	Answered int           // with 200, 304, or 303 of a page
	Refused  int           // otherwise
	Shed     int           // of these with 429 or 503
	First    string        // the first answer that was refused
	Took     time.Duration // from the first request to the last answer
	P50, P99 time.Duration // of what was answered
	CPU      time.Duration // of this process
}

// PerSecond is the rate of answers.
func (r Result) PerSecond() float64 { return float64(r.Answered) / r.Took.Seconds() }

// patience bounds the wait for one answer.
const patience = 30 * time.Second

// Serve reads a job, runs it and writes the result: the whole of a process.
func Serve(stdin io.Reader, stdout io.Writer) error {
	var job Job
	if err := json.NewDecoder(stdin).Decode(&job); err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	result, err := Run(job)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(result)
}

// Run runs a job.
func Run(job Job) (Result, error) {
	connections := make([]*connection, job.Connections)
	for i := range connections {
		conn, err := net.DialTimeout("tcp", job.Address, patience)
		if err != nil {
			return Result{}, fmt.Errorf("connect: %w", err)
		}
		defer func() { _ = conn.Close() }()
		connections[i] = &connection{conn: conn, reader: bufio.NewReader(conn)}
	}
	var next atomic.Int64
	var group sync.WaitGroup
	cpu, began := process.CPU(), time.Now()
	turn := func() (n int, due time.Time, ok bool) {
		n = int(next.Add(1) - 1)
		if due, ok = job.due(n, began); ok {
			time.Sleep(time.Until(due))
		}
		return n, due, ok
	}
	for i, c := range connections {
		group.Go(func() {
			if job.Chain != nil {
				c.err = c.chain(slices.Clone(job.Requests[i]), []byte(job.Chain[i]), turn)
				return
			}
			for n, due, ok := turn(); ok && c.err == nil; n, due, ok = turn() {
				_, c.err = c.ask(job.Requests[n%len(job.Requests)], due)
			}
		})
	}
	group.Wait()
	return sum(connections, time.Since(began), process.CPU()-cpu)
}

func sum(connections []*connection, took, cpu time.Duration) (Result, error) {
	r := Result{Took: took, CPU: cpu}
	var times []time.Duration
	for _, c := range connections {
		if c.err != nil {
			return Result{}, c.err
		}
		times = append(times, c.times...)
		r.Refused += c.refused
		r.Shed += c.shed
		if r.First == "" {
			r.First = c.first
		}
	}
	slices.Sort(times)
	r.Answered = len(times)
	if len(times) > 0 {
		r.P50, r.P99 = times[len(times)/2], times[len(times)*99/100]
	}
	return r, nil
}

type connection struct {
	conn          net.Conn
	reader        *bufio.Reader
	body          []byte
	times         []time.Duration
	refused, shed int
	first         string
	err           error
}

// chain refreshes again and again.
func (c *connection) chain(request, token []byte, turn func() (n int, due time.Time, ok bool)) error {
	at := bytes.Index(request, token)
	if at < 0 {
		return fmt.Errorf("the request does not hold its refresh token")
	}
	for _, due, ok := turn(); ok; _, due, ok = turn() {
		body, err := c.ask(request, due)
		if err != nil {
			return err
		}
		_, rest, found := bytes.Cut(body, []byte(`"refresh_token":"`))
		next, _, closed := bytes.Cut(rest, []byte(`"`))
		if !found || !closed || len(next) != len(token) {
			return fmt.Errorf("no next refresh token in: %s", body)
		}
		copy(request[at:], next)
	}
	return nil
}

// ask sends a request and reads its answer, which is valid until the next call. The measured time
// begins at due.
func (c *connection) ask(request []byte, due time.Time) ([]byte, error) {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	status, length, err := c.head()
	if err != nil {
		return nil, fmt.Errorf("read an answer: %w", err)
	}
	c.body = slices.Grow(c.body[:0], length)[:length]
	if _, err := io.ReadFull(c.reader, c.body); err != nil {
		return nil, fmt.Errorf("read an answer: %w", err)
	}
	switch status {
	case http.StatusOK, http.StatusNotModified, http.StatusSeeOther:
		c.times = append(c.times, time.Since(due))
		return c.body, nil
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		c.shed++
	}
	c.refused++
	if c.first == "" {
		c.first = fmt.Sprintf("%d %s", status, c.body)
	}
	return c.body, nil
}

// head reads the status line and the headers, of which only the length matters. The measured
// servers always send one.
func (c *connection) head() (status, length int, err error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, 0, fmt.Errorf("no status line: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, fmt.Errorf("no status line: %q", line)
	}
	for {
		if line, err = c.reader.ReadSlice('\n'); err != nil {
			return 0, 0, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			return status, length, nil
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, 0, err
			}
		}
	}
}
