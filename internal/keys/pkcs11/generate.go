//go:build pkcs11 && cgo

package pkcs11

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/ThalesGroup/crypto11"
)

const (
	rsaBits = 2048
	idBytes = 16 // random, so that two keys of a token never have the same ID
)

// Generate makes a key pair in the token for one of [Algorithms], and returns the URI by which
// [Module.Signer] finds it again, on any machine that has the token. The private key cannot leave
// the token, and can only sign.
func (m *Module) Generate(alg string) (crypto.Signer, string, error) {
	if !slices.Contains(Algorithms(), alg) {
		return nil, "", fmt.Errorf("a key in a PKCS#11 token cannot be for %q: it can be for %s",
			alg, strings.Join(Algorithms(), ", "))
	}
	var s *signer
	err := m.use(func(context *crypto11.Context) (err error) {
		id := make([]byte, idBytes)
		rand.Read(id)
		key, err := generate(context, alg, id)
		if err != nil {
			return err
		}
		s, err = m.signer(URI{Token: m.options.Token, ID: id}, context, key)
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("make a key for %s in the PKCS#11 token %q: %w", alg, m.options.Token, err)
	}
	return s, s.uri.String(), nil
}

func generate(context *crypto11.Context, alg string, id []byte) (crypto.Signer, error) {
	label := fmt.Sprintf("authserver %s %s", alg, hex.EncodeToString(id[:4]))
	public, err := crypto11.NewAttributeSetWithIDAndLabel(id, []byte(label))
	if err != nil {
		return nil, err
	}
	private := public.Copy()
	for attribute, value := range map[crypto11.AttributeType]bool{
		crypto11.CkaToken:       true,
		crypto11.CkaPrivate:     true, // visible only after a login
		crypto11.CkaSensitive:   true,
		crypto11.CkaExtractable: false,
		crypto11.CkaSign:        true,
		crypto11.CkaDecrypt:     false,
		crypto11.CkaUnwrap:      false,
	} {
		if err := private.Set(attribute, value); err != nil {
			return nil, err
		}
	}
	switch alg {
	case "ES256":
		return context.GenerateECDSAKeyPairWithAttributes(public, private, elliptic.P256())
	case "ES384":
		return context.GenerateECDSAKeyPairWithAttributes(public, private, elliptic.P384())
	}
	if err := public.Set(crypto11.CkaEncrypt, false); err != nil {
		return nil, err
	}
	return context.GenerateRSAKeyPairWithAttributes(public, private, rsaBits)
}
