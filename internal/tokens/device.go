package tokens

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// DeviceCookies are cookies by which a browser proves that an account signed in with it before, so
// that failures elsewhere do not slow it down. No row stores them: each is authenticated by a key
// that all replicas have, and valid as long as that key.
type DeviceCookies struct {
	Keys RefreshKeys
	Rand io.Reader
}

// A cookie has an entry for each of the accounts, the last one first, with dots between. An
// entry is base64url of version, 1 byte | key id, 4 | name of the browser, 9 | HMAC-SHA-256 of
// these and the account, cut to 16.
const (
	deviceVersion = 1
	deviceName    = 1 + 4
	deviceBody    = deviceName + 9
	deviceSize    = deviceBody + 16
	deviceLength  = (8*deviceSize + 5) / 6
	maxDevices    = 5 // accounts that share a browser
)

// Name returns the name that the browser has for an account, if the account signed in with it.
func (d *DeviceCookies) Name(cookie string, account [sha256.Size]byte) (name string, ok bool) {
	for _, entry := range deviceEntries(cookie) {
		if name, ok := d.open(entry, account); ok {
			return name, true
		}
	}
	return "", false
}

// Add returns the cookie with an account that signed in now, in addition to its other accounts.
func (d *DeviceCookies) Add(now time.Time, cookie string, account [sha256.Size]byte) (string, error) {
	id, key, ok := d.Keys.At(now)
	if !ok {
		return "", errors.New("make a device cookie: no key is loaded")
	}
	b := binary.BigEndian.AppendUint32([]byte{deviceVersion}, id)
	b = append(b, make([]byte, deviceBody-deviceName)...)
	if _, err := io.ReadFull(d.Rand, b[deviceName:]); err != nil {
		return "", fmt.Errorf("make a device cookie: read random bytes: %w", err)
	}
	others := deviceEntries(cookie)
	for i, entry := range others {
		if _, known := d.open(entry, account); known { // its name stays, with its failures
			old, _ := base64.RawURLEncoding.DecodeString(entry)
			copy(b[deviceName:], old[deviceName:deviceBody])
			others = slices.Delete(others, i, i+1)
			break
		}
	}
	tag, err := deviceTag(key, b, account)
	if err != nil {
		return "", err
	}
	entries := append([]string{base64.RawURLEncoding.EncodeToString(append(b, tag...))}, others...)
	return strings.Join(entries[:min(len(entries), maxDevices)], "."), nil
}

// deviceEntries returns the parts of a cookie that have the form of an entry.
func deviceEntries(cookie string) []string {
	if len(cookie) > maxDevices*(deviceLength+1) {
		return nil
	}
	return slices.DeleteFunc(strings.Split(cookie, "."), func(e string) bool { return len(e) != deviceLength })
}

func (d *DeviceCookies) open(entry string, account [sha256.Size]byte) (name string, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(entry)
	if err != nil || len(b) != deviceSize || b[0] != deviceVersion {
		return "", false
	}
	key, ok := d.Keys.ByID(binary.BigEndian.Uint32(b[1:]))
	if !ok {
		return "", false
	}
	tag, err := deviceTag(key, b[:deviceBody], account)
	if err != nil || !hmac.Equal(tag, b[deviceBody:]) {
		return "", false
	}
	return hex.EncodeToString(b[deviceName:deviceBody]), true
}

// deviceTag computes the tag under a key of its own, derived from the refresh token key.
func deviceTag(key, body []byte, account [sha256.Size]byte) ([]byte, error) {
	own, err := hkdf.Key(sha256.New, key, nil, "device cookies of authserver", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive the key of device cookies: %w", err)
	}
	mac := hmac.New(sha256.New, own)
	mac.Write(body)
	mac.Write(account[:])
	return mac.Sum(nil)[:deviceSize-deviceBody], nil
}
