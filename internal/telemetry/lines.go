package telemetry

import (
	"io"
	"sync"
	"time"
)

// linger is how far writes are apart where lines wait for one another.
const linger = 10 * time.Millisecond

// together is the most bytes of several lines in one write, PIPE_BUF of Linux: the
// lines of two processes that write to one pipe do not mix up to there (pipe(7)).
const together = 4096

// Lines writes lines together where many come: each write wakes up whoever reads the
// log, which under load costs more than to make the line. A line that comes alone is
// written at once. It is safe for concurrent use, and takes one whole line at a time.
type Lines struct {
	to io.Writer

	mu      sync.Mutex
	waiting []byte
	busy    bool // something was written less than linger ago
	pause   *time.Timer
}

// NewLines makes a writer in front of another one. [Lines.Flush] has to be the end of it.
func NewLines(to io.Writer) *Lines {
	l := &Lines{to: to, waiting: make([]byte, 0, together)}
	l.pause = time.AfterFunc(linger, l.resume)
	return l
}

// Write takes a line. Its errors are those of the lines that had to make room for it:
// like every log's they are of no use to whoever logs.
func (l *Lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	if len(l.waiting)+len(line) > together {
		err = l.write()
	}
	l.waiting = append(l.waiting, line...)
	if !l.busy {
		err = l.write()
		l.busy = true
		l.pause.Reset(linger)
	}
	return len(line), err
}

// resume is called when the pause after a write is over.
func (l *Lines) resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy = len(l.waiting) > 0; l.busy {
		_ = l.write() // there is nobody to tell, and nothing to tell it with
		l.pause.Reset(linger)
	}
}

// Flush writes what waits.
func (l *Lines) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.write() // as above
}

func (l *Lines) write() error {
	if len(l.waiting) == 0 {
		return nil
	}
	_, err := l.to.Write(l.waiting)
	l.waiting = l.waiting[:0]
	return err
}
