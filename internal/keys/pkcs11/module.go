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
	// maxSessions bounds how many signatures the token makes for us at once, and
	// the threads that wait for it. Where the token allows fewer, fewer it is.
	maxSessions = 32
	// sessionWait bounds the wait for one of those sessions, so that a token that
	// does not answer fails requests instead of collecting them.
	sessionWait = 5 * time.Second
)

// Module is a token that we are logged in to. All methods may be called at the
// same time. Where the token forgot us, as one does that was restarted, the next
// use logs in again.
type Module struct {
	options  Options
	renewals singleflight.Group

	// mu is held for reading while the library works: to finalize it meanwhile is
	// undefined by PKCS #11, and a crash of the process with real libraries.
	mu      sync.RWMutex
	context *crypto11.Context // nil: not connected
	closed  bool
	refused error // the token takes our PIN no more; trying again would lock it

	misses misses
}

// Open loads the library and logs in to the token. The error says whether it is
// the library, the token or the PIN, and never holds the PIN.
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

// Close logs out and unloads the library, after the signatures under way. Keys
// stay in the token; signers of the module fail from now on.
func (m *Module) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return m.disconnect()
}

// disconnect is called under the lock. A context bears only one Close.
func (m *Module) disconnect() error {
	context := m.context
	m.context = nil
	if context == nil {
		return nil
	}
	return context.Close()
}

// use lets f work in the token, and once more after a new login where the token
// forgot the old one.
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

// useAnew lets f work in the token after a new login, with which the library reads
// again what there is: SoftHSM never sees a key that another process was about to
// write when it looked first.
func (m *Module) useAnew(f func(*crypto11.Context) error) error {
	m.mu.RLock()
	context := m.context
	m.mu.RUnlock()
	if err := m.renew(context); err != nil {
		return err
	}
	return m.use(f)
}

// misses counts how often each key was not there.
type misses struct {
	mu    sync.Mutex
	times map[string]int
}

// worthANewLogin reports whether to log in once more for a key that is not there: for
// the first, the second, the fourth time, and so on, since every signature waits for
// it.
func (m *misses) worthANewLogin(uri string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.times == nil {
		m.times = make(map[string]int)
	}
	m.times[uri]++
	return bits.OnesCount(uint(m.times[uri])) == 1
}

// try lets f work in the token. It returns the login with which it did, and
// whether that is what failed.
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
	if errors.As(err, &missing) { // a session that is not logged in does not see private keys
		return m.context, !isLoggedIn(m.options), err
	}
	return m.context, isForgotten(err), err
}

// renew logs in anew where lost is what we still work with; who comes meanwhile
// waits for the same login. A PIN that is refused is not tried again.
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
