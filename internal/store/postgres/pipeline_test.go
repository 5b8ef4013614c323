package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// line is a pipeline whose round trips the test releases.
type line struct {
	*pipeline
	mu      sync.Mutex
	sent    []string // the texts of each round trip
	release chan struct{}
	refuse  string // a call that makes the pipeline refuse all calls of its round trip
}

func newLine(most int) *line {
	l := &line{release: make(chan struct{})}
	l.pipeline = &pipeline{most: most, send: func(_ context.Context, calls []*call) bool {
		var texts []string
		for _, c := range calls {
			texts = append(texts, c.text)
			c.changed = int64(len(calls))
		}
		l.mu.Lock()
		l.sent = append(l.sent, strings.Join(texts, " "))
		l.mu.Unlock()
		<-l.release
		return len(calls) > 1 && slices.ContainsFunc(calls, func(c *call) bool { return c.text == l.refuse })
	}, alone: func(c *call) {
		if c.text == l.refuse {
			<-l.release
		}
	}}
	return l
}

// begin sends calls one after the other. The name of a call is what it locks.
func (l *line) begin(ctx context.Context, names ...string) (wait func() []error) {
	errs := make([]error, len(names))
	var group sync.WaitGroup
	for i, name := range names {
		group.Go(func() { errs[i] = l.do(ctx, &call{text: name, locks: name}) })
		synctest.Wait()
	}
	return func() []error {
		group.Wait()
		return errs
	}
}

func (l *line) want(t *testing.T, sent ...string) {
	t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if diff := cmp.Diff(sent, l.sent); diff != "" {
		t.Errorf("round trips:\n%s", diff)
	}
}

func TestCallsShareARoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(1)
		wait := l.begin(t.Context(), "b", "d", "a", "c")
		time.Sleep(time.Hour) // there is no other connection
		l.want(t, "b")
		l.release <- struct{}{}
		l.want(t, "b", "a c d")
		l.release <- struct{}{}
		if err := errors.Join(wait()...); err != nil {
			t.Error(err)
		}
		wait = l.begin(t.Context(), "e")
		l.release <- struct{}{}
		wait()
		l.want(t, "b", "a c d", "e")
	})
}

func TestCallsLosePatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(2)
		wait := l.begin(t.Context(), "a", "b", "c")
		l.want(t, "a")
		time.Sleep(shareWait)
		l.want(t, "a", "b c")
		waitMore := l.begin(t.Context(), "d")
		time.Sleep(time.Hour)
		l.want(t, "a", "b c")
		for range 3 {
			l.release <- struct{}{}
		}
		wait()
		waitMore()
		l.want(t, "a", "b c", "d")
		wait = l.begin(t.Context(), "e", "f") // the pipeline has kept nothing
		l.want(t, "a", "b c", "d", "e")
		close(l.release)
		wait()
	})
}

func TestCallsThatAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(1)
		ctx, cancel := context.WithCancel(t.Context())
		stays, leaves := l.begin(t.Context(), "a", "b"), l.begin(ctx, "c")
		cancel()
		if err := errors.Join(leaves()...); !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up got %v", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		l.release <- struct{}{}
		l.want(t, "a", "b")
		late := l.begin(ctx, "d")
		l.release <- struct{}{}
		l.want(t, "a", "b", "d")
		cancel() // a call in progress may be done: its caller gets the result
		l.release <- struct{}{}
		if err := errors.Join(append(stays(), late()...)...); err != nil {
			t.Error(err)
		}
	})
}

func TestCallsThatAreRefusedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(1)
		l.refuse = "b"
		first, refused, others := l.begin(t.Context(), "a"), l.begin(t.Context(), "b"), l.begin(t.Context(), "c", "d")
		l.release <- struct{}{}
		l.release <- struct{}{}
		if err := errors.Join(append(first(), others()...)...); err != nil { // while b waits
			t.Error(err)
		}
		l.want(t, "a", "b c d")
		l.release <- struct{}{}
		if err := errors.Join(refused()...); err != nil {
			t.Error(err)
		}
	})
}

func TestCallsBeyondOneRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(1)
		names := make([]string, 1+maxTogether+1)
		for i := range names {
			names[i] = fmt.Sprintf("%03d", i)
		}
		wait := l.begin(t.Context(), names...)
		close(l.release)
		wait()
		l.want(t, names[0], strings.Join(names[1:1+maxTogether], " "), names[1+maxTogether])
	})
}

func TestCallsThatPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(1)
		send := l.send
		l.send = func(context.Context, []*call) bool { panic("a fault of ours") }
		if err := errors.Join(l.begin(t.Context(), "a")()...); err == nil || !strings.Contains(err.Error(), "a fault of ours") {
			t.Errorf("the call returned %v", err)
		}
		l.send = send
		wait := l.begin(t.Context(), "b")
		close(l.release)
		if err := errors.Join(wait()...); err != nil {
			t.Error(err)
		}
	})
}
