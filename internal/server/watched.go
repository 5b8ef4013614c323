package server

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"authserver/internal/keys/keyfiles"
)

// filesFresh is how long files count as unchanged: they are checked no more often, whatever the
// number of handshakes.
const filesFresh = 2 * time.Second

// watched is a value that is read from files, and read again when they have changed. Invalid files
// are reported once and leave the value as it was, because two files cannot be replaced at the same
// moment.
type watched[T any] struct {
	settings []string // the flags, for errors
	names    []string // the files, in the order in which parse takes their contents
	parse    func(contents [][]byte) (T, error)
	now      func() time.Time
	logger   *slog.Logger

	mu       sync.Mutex
	looked   time.Time
	contents [][]byte
	value    T
	failure  string // the reported failure
}

// load reads the files for the first time.
func (w *watched[T]) load() error {
	contents, err := w.read()
	if err != nil {
		return err
	}
	value, err := w.parse(contents)
	if err != nil {
		return w.fault(err)
	}
	w.looked, w.contents, w.value = w.now(), contents, value
	return nil
}

// get returns the last valid value of the files, at most filesFresh old.
func (w *watched[T]) get() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if now.Sub(w.looked) >= filesFresh || now.Before(w.looked) {
		w.look(now)
	}
	return w.value
}

// reload reads the files at once, logs the result, and returns their last valid value.
func (w *watched[T]) reload() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failure = "" // the operator asked for it, so the failure is logged again
	if !w.look(w.now()) {
		w.logger.Info("files are unchanged", "settings", w.settings)
	}
	return w.value
}

// look reads the files, and reports whether it logged something.
func (w *watched[T]) look(now time.Time) (said bool) {
	w.looked = now
	contents, err := w.read()
	if err == nil {
		if slices.EqualFunc(contents, w.contents, bytes.Equal) {
			w.failure = ""
			return false
		}
		var value T
		if value, err = w.parse(contents); err == nil {
			w.contents, w.value, w.failure = contents, value, ""
			w.logger.Info("files are read again", "settings", w.settings)
			return true
		}
		err = w.fault(err)
	}
	if w.failure == err.Error() {
		return false
	}
	w.failure = err.Error()
	w.logger.Error("files cannot be used: what they held before stays in force", "error", err)
	return true
}

func (w *watched[T]) read() ([][]byte, error) {
	contents := make([][]byte, 0, len(w.names))
	for i, name := range w.names {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be read: %w", w.settings[i], err)
		}
		if content, err = keyfiles.Text(content); err != nil {
			return nil, fmt.Errorf("%s %s: %w", w.settings[i], name, err)
		}
		contents = append(contents, content)
	}
	return contents, nil
}

func (w *watched[T]) fault(err error) error {
	if len(w.settings) == 1 {
		return fmt.Errorf("%s %s: %w", w.settings[0], w.names[0], err)
	}
	return fmt.Errorf("%s %s with %s %s: %w", w.settings[0], w.names[0], w.settings[1], w.names[1], err)
}
