//go:build pkcs11 && cgo

package pkcs11

import (
	"crypto"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/pkcs11"

	"authserver/test/softhsm"
)

func TestOpenRefuses(t *testing.T) {
	good := softHSM(t)
	text := filepath.Join(t.TempDir(), "text.so")
	if err := os.WriteFile(text, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"a wrong PIN":             {func(o *Options) { o.PIN = "8675309" }, "the PIN is wrong"},
		"a PIN too short to be":   {func(o *Options) { o.PIN = "77" }, "the PIN is wrong"},
		"no PIN":                  {func(o *Options) { o.PIN = "" }, "no PIN"},
		"an unknown token":        {func(o *Options) { o.Token = "other keys" }, "shows no token of that label"},
		"no token":                {func(o *Options) { o.Token = "" }, "give its label"},
		"a library that is gone":  {func(o *Options) { o.Module = "/nowhere/token.so" }, "no such file"},
		"a file that is none":     {func(o *Options) { o.Module = text }, "is it a PKCS#11 library"},
		"no library":              {func(o *Options) { o.Module = "" }, "give the path"},
		"and names what it opens": {func(o *Options) { o.Token = "other keys" }, `"other keys"`},
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			test.change(&o)
			m, err := Open(o)
			if err == nil {
				t.Fatalf("Open = %v", m)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("Open: %v; want %q in it", err, test.want)
			}
			if o.PIN != "" && strings.Contains(err.Error(), o.PIN) {
				t.Errorf("the error holds the PIN: %v", err)
			}
		})
	}
	t.Run("and the right ones work after all that", func(t *testing.T) { open(t, good) })
}

func TestClose(t *testing.T) {
	o := softHSM(t)
	m := open(t, o)
	s, uri, err := m.Generate("ES256")
	if err != nil {
		t.Fatal(err)
	}
	beside := open(t, o)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	if _, err := sign(s); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("a signer after Close: %v", err)
	}
	if _, err := m.Signer(uri); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("Signer after Close: %v", err)
	}
	if _, _, err := m.Generate("ES256"); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("Generate after Close: %v", err)
	}
	again, err := beside.Signer(uri)
	if err != nil {
		t.Fatalf("another module that is open: %v", err)
	}
	if _, err := sign(again); err != nil {
		t.Errorf("another module that is open: %v", err)
	}
}

func TestCloseWhileSigning(t *testing.T) {
	m := open(t, softHSM(t))
	s, _, err := m.Generate("ES256")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	begun := make(chan struct{}, 8)
	for range 8 {
		group.Go(func() {
			for {
				if _, err := sign(s); err != nil {
					if !strings.Contains(err.Error(), "closed") {
						t.Error(err)
					}
					return
				}
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}
	<-begun
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	group.Wait()
}

func TestATokenThatForgotUsIsOpenedAgain(t *testing.T) {
	o := softHSM(t)
	m := open(t, o)
	s, uri, err := m.Generate("ES256")
	if err != nil {
		t.Fatal(err)
	}
	for name, use := range map[string]func() error{
		"to sign":     func() error { _, err := sign(s); return err },
		"to find":     func() error { _, err := m.Signer(uri); return err },
		"to generate": func() error { _, _, err := m.Generate("ES384"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			look(t, o).forget()
			if err := use(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("by many at once", func(t *testing.T) {
		for range 5 {
			look(t, o).forget()
			var group sync.WaitGroup
			for range 16 {
				group.Go(func() {
					if _, err := sign(s); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
		}
	})
}

// TestATokenThatIsAwayIsAskedForAgain removes the token as one unplugs a device.
func TestATokenThatIsAwayIsAskedForAgain(t *testing.T) {
	o := softHSM(t)
	m := open(t, o)
	s, _, err := m.Generate("ES256")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("forget", func(t *testing.T) { look(t, o).forget() })
	tokens := filepath.Join(filepath.Dir(os.Getenv("SOFTHSM2_CONF")), "tokens")
	if err := os.Rename(tokens, tokens+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(tokens, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := sign(s); err == nil || !strings.Contains(err.Error(), "shows no token of that label") {
			t.Errorf("without the token: %v", err)
		}
	}
	if err := os.Remove(tokens); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tokens+".away", tokens); err != nil {
		t.Fatal(err)
	}
	if _, err := sign(s); err != nil {
		t.Errorf("with the token back: %v", err)
	}
}

// TestARefusedPINIsNotTriedAgain changes the PIN under an open module: with a real token, each try
// of the old PIN would bring the token closer to its lock.
func TestARefusedPINIsNotTriedAgain(t *testing.T) {
	o := softHSM(t)
	m := open(t, o)
	s, _, err := m.Generate("ES256")
	if err != nil {
		t.Fatal(err)
	}
	setPIN := func(from, to string) {
		t.Run("change the PIN", func(t *testing.T) {
			o := o
			o.PIN = from
			r := look(t, o)
			r.must(r.SetPIN(r.session, from, to))
			r.forget()
		})
	}
	setPIN(softhsm.PIN, "271828")
	if _, err := sign(s); err == nil || !strings.Contains(err.Error(), "the PIN is wrong") {
		t.Fatalf("after a change of the PIN: %v", err)
	}
	setPIN("271828", softhsm.PIN)
	if _, err := sign(s); err == nil || !strings.Contains(err.Error(), "the PIN is wrong") {
		t.Errorf("the PIN was tried again: %v", err)
	}
	fresh := open(t, o)
	if _, _, err := fresh.Generate("ES256"); err != nil {
		t.Error(err)
	}
}

func TestAKeyThatWasDeletedSignsNoMore(t *testing.T) {
	o := softHSM(t)
	m := open(t, o)
	s, uri, err := m.Generate("ES256")
	if err != nil {
		t.Fatal(err)
	}
	r := look(t, o)
	r.must(r.DestroyObject(r.session, r.object(pkcs11.CKO_PRIVATE_KEY, uri)))
	for range 2 {
		if _, err := sign(s); err == nil || !strings.Contains(err.Error(), "no such key pair") {
			t.Errorf("with a deleted key: %v", err)
		}
	}
}

// sign signs a digest by PKCS #1 v1.5 or ECDSA.
func sign(s crypto.Signer) ([]byte, error) {
	return s.Sign(rand.Reader, make([]byte, crypto.SHA256.Size()), crypto.SHA256)
}
