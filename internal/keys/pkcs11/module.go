//go:build pkcs11 && cgo

package pkcs11

import (
	"errors"
	"fmt"
	"math/bits"
	"sync"
	"time"

	"github.com/ThalesGroup/crypto11"
	"golang.org/x/sync/singleflight"
)

const (
	// maxSessions bounds the number of concurrent signatures in the token, and of the threads that
	// wait for them. A token may allow fewer.
	maxSessions = 32
	// sessionWait bounds the wait for one of those sessions, so that requests fail instead of
	// piling up if the token does not answer.
	sessionWait = 5 * time.Second
)

// Module is a token to which we are logged in. All methods are safe for concurrent use. If the
// token has lost the login, for example after a restart, the next use logs in again.
type Module struct {
	options  Options
	renewals singleflight.Group

	// mu is held for reading while the library works: PKCS #11 does not define what happens if it
	// is finalized meanwhile, and real libraries crash the process.
	mu      sync.RWMutex
	context *crypto11.Context // nil: not connected
	closed  bool
	refused error // the token refuses our PIN: another attempt would lock it

	misses misses
}

// Open loads the library and logs in to the token. The error says whether the library, the token or
// the PIN is at fault, and never contains the PIN.
func Open(o Options) (*Module, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	context, err := connect(o)
	if err != nil {
		return nil, err
	}
	return &Module{options: o, context: context}, nil
}

// Close logs out and unloads the library, after the signatures in progress. Keys stay in the token;
// signers of the module fail from now on.
func (m *Module) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return m.disconnect()
}

// disconnect needs the lock. A context can be closed only once.
func (m *Module) disconnect() error {
	context := m.context
	m.context = nil
	if context == nil {
		return nil
	}
	return context.Close()
}

// use runs f in the token, and once more after a new login if the token lost the old one.
func (m *Module) use(f func(*crypto11.Context) error) error {
	lost, isLost, err := m.try(f)
	if !isLost {
		return err
	}
	if err := m.renew(lost); err != nil {
		return err
	}
	_, _, err = m.try(f)
	return err
}

// useAnew runs f in the token after a new login, which makes the library read the objects again:
// SoftHSM otherwise never sees a key that another process was writing at the first look.
func (m *Module) useAnew(f func(*crypto11.Context) error) error {
	m.mu.RLock()
	context := m.context
	m.mu.RUnlock()
	if err := m.renew(context); err != nil {
		return err
	}
	return m.use(f)
}

// misses counts how often each key was missing.
type misses struct {
	mu    sync.Mutex
	times map[string]int
}

// worthANewLogin reports whether to log in once more for a missing key. It does so for the first,
// the second, the fourth time, and so on, because every signature waits for the login.
func (m *misses) worthANewLogin(uri string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.times == nil {
		m.times = make(map[string]int)
	}
	m.times[uri]++
	return bits.OnesCount(uint(m.times[uri])) == 1
}

// try runs f in the token. It returns the login that f used, and whether that login was lost.
func (m *Module) try(f func(*crypto11.Context) error) (context *crypto11.Context, isLost bool, err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	switch {
	case m.closed:
		return nil, false, closed()
	case m.context == nil:
		return nil, true, errors.New("the connection to the PKCS#11 token is lost")
	}
	err = f(m.context)
	var missing missingError
	if errors.As(err, &missing) { // a session without a login does not see private keys
		return m.context, !isLoggedIn(m.options), err
	}
	return m.context, isForgotten(err), err
}

// renew logs in again if lost is the present login. Concurrent callers wait for the same login. A
// refused PIN is not tried again.
func (m *Module) renew(lost *crypto11.Context) error {
	_, err, _ := m.renewals.Do("", func() (any, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		switch {
		case m.closed:
			return nil, closed()
		case m.refused != nil:
			return nil, m.refused
		case m.context != nil && m.context != lost:
			return nil, nil
		}
		if err := m.disconnect(); err != nil {
			return nil, fmt.Errorf("leave the PKCS#11 token: %w", err)
		}
		context, err := connect(m.options)
		if isRefused(err) {
			m.refused = err
		}
		m.context = context
		return nil, err
	})
	return err
}

func closed() error { return errors.New("the PKCS#11 token is closed") }
