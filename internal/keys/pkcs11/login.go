//go:build pkcs11 && cgo

package pkcs11

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/ThalesGroup/crypto11"
	"github.com/miekg/pkcs11"
)

func (o Options) check() error {
	switch {
	case o.Module == "":
		return fmt.Errorf("no PKCS#11 library is named: give the path of the one that came with the token")
	case o.Token == "":
		return fmt.Errorf("no PKCS#11 token is named: give its label")
	case o.PIN == "":
		return fmt.Errorf("no PIN is given for the PKCS#11 token %q", o.Token)
	}
	return nil
}

func connect(o Options) (*crypto11.Context, error) {
	context, err := crypto11.Configure(&crypto11.Config{
		Path: o.Module, TokenLabel: o.Token, Pin: o.PIN,
		MaxSessions: maxSessions, PoolWaitTimeout: sessionWait,
	})
	if err != nil {
		return nil, fmt.Errorf("open the PKCS#11 token %q: %w", o.Token, explain(o, err))
	}
	return context, nil
}

// explain adds to an error of a login what to do about it.
func explain(o Options, err error) error {
	var code pkcs11.Error
	switch {
	case is(err, pkcs11.CKR_PIN_LOCKED, pkcs11.CKR_PIN_EXPIRED):
		return fmt.Errorf("its PIN is locked or too old; let the token's security officer set a new one: %w", err)
	case is(err, pkcs11.CKR_USER_PIN_NOT_INITIALIZED):
		return fmt.Errorf("it has no user PIN; set one with the tool that came with the library: %w", err)
	case isRefused(err):
		return fmt.Errorf("the PIN is wrong; correct it before the next start, since a token locks itself after a few wrong ones: %w", err)
	case errors.As(err, &code):
		return err
	case strings.Contains(err.Error(), "could not find PKCS#11 token"): // crypto11 has no name for this error
		return fmt.Errorf("the library %s shows no token of that label; correct the label, or the library's own settings: %w", o.Module, err)
	}
	if _, missing := os.Stat(o.Module); missing != nil {
		return fmt.Errorf("the library: %w", missing)
	}
	return fmt.Errorf("the library %s; is it a PKCS#11 library for this machine, with all that it needs: %w", o.Module, err)
}

func isRefused(err error) bool {
	return is(err, pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE,
		pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_LOCKED, pkcs11.CKR_USER_PIN_NOT_INITIALIZED)
}

// isForgotten reports whether the token, or the library, lost our login, for example because the
// device was restarted or plugged in again.
func isForgotten(err error) bool {
	return is(err, pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_USER_NOT_LOGGED_IN,
		pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_OBJECT_HANDLE_INVALID, pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_DEVICE_REMOVED,
		pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED)
}

// isLoggedIn asks the token. A process has one library, however often it is loaded, and a login
// belongs to the process.
func isLoggedIn(o Options) bool {
	library := pkcs11.New(o.Module)
	if library == nil {
		return false
	}
	defer library.Destroy()
	slots, err := library.GetSlotList(true)
	if err != nil {
		return false
	}
	for _, slot := range slots {
		if token, err := library.GetTokenInfo(slot); err != nil || token.Label != o.Token {
			continue
		}
		session, err := library.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION)
		if err != nil {
			return false
		}
		defer library.CloseSession(session) //nolint:errcheck // it was only to ask
		info, err := library.GetSessionInfo(session)
		return err == nil && info.State == pkcs11.CKS_RO_USER_FUNCTIONS
	}
	return false
}

func is(err error, codes ...uint) bool {
	return slices.ContainsFunc(codes, func(code uint) bool { return errors.Is(err, pkcs11.Error(code)) })
}
