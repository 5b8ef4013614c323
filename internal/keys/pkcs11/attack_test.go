//go:build pkcs11 && cgo

package pkcs11

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/miekg/pkcs11"
)

// TestThePrivateKeyStaysInTheToken tries what an attacker could do after taking over our process,
// with the PIN.
func TestThePrivateKeyStaysInTheToken(t *testing.T) {
	o := softHSM(t)
	m := open(t, o)
	for alg, secret := range map[string]uint{
		"RS256": pkcs11.CKA_PRIVATE_EXPONENT, "PS256": pkcs11.CKA_PRIME_1,
		"ES256": pkcs11.CKA_VALUE, "ES384": pkcs11.CKA_VALUE,
	} {
		t.Run(alg, func(t *testing.T) {
			_, uri, err := m.Generate(alg)
			if err != nil {
				t.Fatal(err)
			}
			r := look(t, o)
			key := r.object(pkcs11.CKO_PRIVATE_KEY, uri)
			for name, want := range map[uint]bool{
				pkcs11.CKA_TOKEN: true, pkcs11.CKA_PRIVATE: true, pkcs11.CKA_SIGN: true,
				pkcs11.CKA_SENSITIVE: true, pkcs11.CKA_ALWAYS_SENSITIVE: true,
				pkcs11.CKA_EXTRACTABLE: false, pkcs11.CKA_NEVER_EXTRACTABLE: true,
				pkcs11.CKA_DECRYPT: false, pkcs11.CKA_UNWRAP: false,
			} {
				value, err := r.attribute(key, name)
				if got := bytes.Equal(value, []byte{1}); err != nil || got != want {
					t.Errorf("attribute %#x = %v, %v; want %v", name, got, err, want)
				}
			}
			if value, err := r.attribute(key, secret); !errors.Is(err, pkcs11.Error(pkcs11.CKR_ATTRIBUTE_SENSITIVE)) {
				t.Errorf("the secret is read: %d bytes, %v", len(value), err)
			}
			for _, change := range []*pkcs11.Attribute{
				pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true), pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, false),
			} {
				if err := r.SetAttributeValue(r.session, key, []*pkcs11.Attribute{change}); err == nil {
					t.Errorf("attribute %#x can be changed", change.Type)
				}
			}
			if wrapped, err := r.wrap(key); !errors.Is(err, pkcs11.Error(pkcs11.CKR_KEY_UNEXTRACTABLE)) {
				t.Errorf("the key is wrapped: %d bytes, %v", len(wrapped), err)
			}
		})
	}
}

// wrap tries to get a key encrypted under another key that could be made anywhere.
func (r *raw) wrap(key pkcs11.ObjectHandle) ([]byte, error) {
	r.t.Helper()
	wrapper, err := r.CreateObject(r.session, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES),
		pkcs11.NewAttribute(pkcs11.CKA_VALUE, make([]byte, 32)),
		pkcs11.NewAttribute(pkcs11.CKA_WRAP, true),
	})
	r.must(err)
	return r.WrapKey(r.session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_WRAP_PAD, nil)}, wrapper, key)
}

// TestAPlantedPublicKeyIsRefused replaces the public half. With it in our JWKS, its owner could
// sign tokens.
func TestAPlantedPublicKeyIsRefused(t *testing.T) {
	o := softHSM(t)
	m := open(t, o)
	for _, alg := range []string{"RS256", "ES256"} {
		t.Run(alg, func(t *testing.T) {
			_, uri, err := m.Generate(alg)
			if err != nil {
				t.Fatal(err)
			}
			_, other, err := m.Generate(alg)
			if err != nil {
				t.Fatal(err)
			}
			r := look(t, o)
			ours, theirs := r.object(pkcs11.CKO_PUBLIC_KEY, uri), r.object(pkcs11.CKO_PUBLIC_KEY, other)
			id, err := r.attribute(ours, pkcs11.CKA_ID)
			r.must(err)
			label, err := r.attribute(ours, pkcs11.CKA_LABEL)
			r.must(err)
			r.must(r.DestroyObject(r.session, ours))
			_, err = r.CopyObject(r.session, theirs, []*pkcs11.Attribute{
				pkcs11.NewAttribute(pkcs11.CKA_ID, id), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
			})
			r.must(err)
			if s, err := m.Signer(uri); err == nil || !strings.Contains(err.Error(), "is not that of the private key") {
				t.Errorf("Signer = %v, %v", s, err)
			}
		})
	}
}
