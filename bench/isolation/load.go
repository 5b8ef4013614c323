package isolation

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"authserver/test/harness"
)

// asking is clients that send one request at a rate, whether or not the server
// keeps up, over connections that stay open.
type asking struct {
	address string // HOST:PORT
	request string // as it goes over the wire
	rate    int    // requests a second
	conns   int
}

// answers is what came back, by status, and how long those took that were good: from
// the moment at which they were due, so that what waited for a connection counts.
type answers struct {
	took    []time.Duration
	refused int // 429 and 503 with Retry-After
	other   int
	first   string // of the others
	lasted  time.Duration
}

// post is a request that sends a form, which it adds the credentials to.
func post(who harness.Credentials, path string, form url.Values) string {
	if who.ID != "" {
		form.Set("client_id", who.ID)
		form.Set("client_secret", who.Secret)
	}
	body := form.Encode()
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

// run asks for a while.
func (a asking) run(during time.Duration) answers {
	var due atomic.Int64
	total := int64(float64(a.rate) * during.Seconds())
	began := time.Now()
	parts := make([]answers, a.conns)
	var all sync.WaitGroup
	for i := range parts {
		all.Go(func() {
			line := line{address: a.address}
			defer line.hangUp()
			for n := due.Add(1) - 1; n < total; n = due.Add(1) - 1 {
				at := began.Add(time.Duration(n) * time.Second / time.Duration(a.rate))
				if time.Since(began) > during+time.Second {
					return
				}
				time.Sleep(time.Until(at))
				parts[i].add(line.ask(a.request), at)
			}
		})
	}
	all.Wait()
	sum := answers{lasted: time.Since(began)}
	for _, p := range parts {
		sum.took = append(sum.took, p.took...)
		sum.refused += p.refused
		sum.other += p.other
		if sum.first == "" {
			sum.first = p.first
		}
	}
	slices.Sort(sum.took)
	return sum
}

type reply struct {
	status int
	retry  bool
	err    error
}

func (a *answers) add(r reply, due time.Time) {
	switch {
	case r.status == http.StatusOK:
		a.took = append(a.took, time.Since(due))
	case (r.status == http.StatusServiceUnavailable || r.status == http.StatusTooManyRequests) && r.retry:
		a.refused++
	default:
		a.other++
		a.first = fmt.Sprint(r)
	}
}

// percentile is the time within which so many of a hundred good answers came.
func (a answers) percentile(p int) time.Duration {
	if len(a.took) == 0 {
		return 0
	}
	return a.took[min(len(a.took)*p/100, len(a.took)-1)]
}

// goodput is good answers a second.
func (a answers) goodput() float64 { return float64(len(a.took)) / a.lasted.Seconds() }

// line is a connection that stays open.
type line struct {
	address string
	conn    net.Conn
	in      *bufio.Reader
}

func (l *line) hangUp() {
	if l.conn != nil {
		_ = l.conn.Close() // nothing more is read from it
		l.conn = nil
	}
}

// ask sends a request and reads the answer to its end.
func (l *line) ask(request string) reply {
	if l.conn == nil {
		conn, err := net.Dial("tcp", l.address)
		if err != nil {
			return reply{err: err}
		}
		l.conn, l.in = conn, bufio.NewReader(conn)
	}
	if err := l.conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return l.failed(err)
	}
	if _, err := io.Copy(l.conn, strings.NewReader(request)); err != nil {
		return l.failed(err)
	}
	response, err := http.ReadResponse(l.in, nil)
	if err != nil {
		return l.failed(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return l.failed(err)
	}
	return reply{status: response.StatusCode, retry: response.Header.Get("Retry-After") != ""}
}

func (l *line) failed(err error) reply {
	l.hangUp()
	return reply{err: err}
}
