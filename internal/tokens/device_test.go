package tokens

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
)

func account(name string) [sha256.Size]byte { return sha256.Sum256([]byte(name)) }

func TestDevices(t *testing.T) {
	ring := oneKey{1, bytes.Repeat([]byte{7}, 32)}
	d := &DeviceCookies{Keys: ring, Rand: rand.Reader}
	add := func(cookie, name string) string {
		t.Helper()
		cookie, err := d.Add(noon, cookie, account(name))
		if err != nil {
			t.Fatal(err)
		}
		return cookie
	}
	cookie := add("", "alice")
	alice, ok := d.Name(cookie, account("alice"))
	if !ok || alice == "" {
		t.Fatal("the browser is not known")
	}
	if again := add(cookie, "alice"); again != cookie {
		t.Errorf("it has another name after another sign-in: %q, %q", cookie, again)
	}
	for name, other := range map[string]*DeviceCookies{
		"another key":       {Keys: oneKey{1, bytes.Repeat([]byte{8}, 32)}},
		"a key that is not": {Keys: oneKey{2, bytes.Repeat([]byte{7}, 32)}},
	} {
		if _, ok := other.Name(cookie, account("alice")); ok {
			t.Errorf("it is known under %s", name)
		}
	}
	for _, name := range []string{"bob", "carol", "dave", "erin"} {
		cookie = add(cookie, name)
	}
	if name, _ := d.Name(cookie, account("alice")); name != alice {
		t.Errorf("of five who share a browser, the first has the name %q, want %q", name, alice)
	}
	cookie = add(cookie, "frank")
	if _, ok := d.Name(cookie, account("alice")); ok || len(cookie) != maxDevices*(deviceLength+1)-1 {
		t.Errorf("a sixth account has room: %d bytes", len(cookie))
	}
}

func FuzzDevices(f *testing.F) {
	d := &DeviceCookies{Keys: oneKey{1, bytes.Repeat([]byte{7}, 32)}, Rand: rand.Reader}
	good, err := d.Add(noon, "", account("alice"))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", ".", good, good + ".", good + "A", "A" + good[1:], good[:20], strings.Repeat(good+".", 6), strings.Repeat(".", 5000), good[:10] + "\n" + good[11:]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cookie string) {
		if name, ok := d.Name(cookie, account("alice")); ok != (name != "") || ok && !strings.Contains(cookie, good) {
			raw, _ := base64.RawURLEncoding.DecodeString(cookie)
			t.Errorf("%q (%x) is known as %q", cookie, raw, name)
		}
		if next, err := d.Add(noon, cookie, account("bob")); err != nil || len(next) > maxDevices*(deviceLength+1) {
			t.Errorf("%q becomes %q, %v", cookie, next, err)
		}
	})
}
