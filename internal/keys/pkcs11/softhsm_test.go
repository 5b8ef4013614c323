//go:build pkcs11 && cgo

package pkcs11

import (
	"errors"
	"testing"

	"github.com/miekg/pkcs11"

	"authserver/test/softhsm"
)

// softHSM makes a token of SoftHSM for one test, and returns the options that open it.
func softHSM(t *testing.T) Options {
	t.Helper()
	token := softhsm.New(t)
	t.Setenv("SOFTHSM2_CONF", token.Conf)
	return Options{Module: token.Module, Token: softhsm.Label, PIN: softhsm.PIN}
}

// open opens a token until the end of the test.
func open(t *testing.T, o Options) *Module {
	t.Helper()
	m, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// raw is a session of its own, which does not use the code under test.
type raw struct {
	*pkcs11.Ctx
	t       *testing.T
	slot    uint
	session pkcs11.SessionHandle
}

// look opens a session with the token's user logged in. A process has one library, so a [Module]
// may be open at the same time; close it after this session.
func look(t *testing.T, o Options) *raw {
	t.Helper()
	r := &raw{Ctx: pkcs11.New(o.Module), t: t}
	if r.Ctx == nil {
		t.Fatalf("%s cannot be loaded", o.Module)
	}
	t.Cleanup(r.Destroy)
	switch err := r.Initialize(); {
	case err == nil:
		t.Cleanup(func() { r.must(r.Finalize()) })
	case !errors.Is(err, pkcs11.Error(pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED)):
		t.Fatal(err)
	}
	slots, err := r.GetSlotList(true)
	r.must(err)
	r.slot = slots[0]
	r.session, err = r.OpenSession(r.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	r.must(err)
	if err := r.Login(r.session, pkcs11.CKU_USER, o.PIN); !errors.Is(err, pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN)) {
		r.must(err)
	}
	return r
}

func (r *raw) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// object finds the one object of a class with the id of a URI.
func (r *raw) object(class uint, uri string) pkcs11.ObjectHandle {
	r.t.Helper()
	u, err := ParseURI(uri)
	r.must(err)
	r.must(r.FindObjectsInit(r.session, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, class),
		pkcs11.NewAttribute(pkcs11.CKA_ID, u.ID),
	}))
	objects, _, err := r.FindObjects(r.session, 2)
	r.must(err)
	r.must(r.FindObjectsFinal(r.session))
	if len(objects) != 1 {
		r.t.Fatalf("%d objects of class %d for %s, want 1", len(objects), class, uri)
	}
	return objects[0]
}

// attribute reads one attribute of an object.
func (r *raw) attribute(object pkcs11.ObjectHandle, attribute uint) ([]byte, error) {
	values, err := r.GetAttributeValue(r.session, object, []*pkcs11.Attribute{pkcs11.NewAttribute(attribute, nil)})
	if err != nil {
		return nil, err
	}
	return values[0].Value, nil
}

// forget makes the token forget every login and session, as a restart does.
func (r *raw) forget() {
	r.t.Helper()
	r.must(r.CloseAllSessions(r.slot))
}
