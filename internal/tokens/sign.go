package tokens

import (
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"authserver/internal/keys"
)

// sign returns the payload as a JWS in compact form (RFC 7515 §7.1) of a type. It writes the JWS by
// hand into one buffer, because minting is the main work of this server, and jws.Sign takes about
// 25 µs and 100 allocations for the same. Reading always uses package jose.
func sign(random io.Reader, signer keys.Signer, typ string, payload []byte) ([]byte, error) {
	// kid is a thumbprint, alg and typ are fixed names: none needs an escape.
	header := []byte(`{"alg":"` + signer.Alg + `","kid":"` + signer.KID + `","typ":"` + typ + `"}`)
	encoding := base64.RawURLEncoding
	token := make([]byte, 0, encoding.EncodedLen(len(header))+encoding.EncodedLen(len(payload))+encoding.EncodedLen(maxSignature(signer.Alg))+2)
	token = encoding.AppendEncode(token, header)
	token = append(token, '.')
	token = encoding.AppendEncode(token, payload)
	signature, err := signatureOf(random, signer, token)
	if err != nil {
		return nil, fmt.Errorf("sign with key %s: %w", signer.KID, err)
	}
	token = append(token, '.')
	return encoding.AppendEncode(token, signature), nil
}

// maxSignature is the length of a signature in bytes; for RSA, that of the keys that this server
// makes.
func maxSignature(alg string) int {
	switch alg {
	case keys.ES256, keys.EdDSA:
		return 64
	case keys.ES384:
		return 96
	}
	return 256
}

func signatureOf(random io.Reader, signer keys.Signer, input []byte) ([]byte, error) {
	signature, err := crypto.SignMessage(signer.Key, random, input, keys.SignerOpts(signer.Alg))
	if err != nil {
		return nil, err
	}
	switch signer.Alg {
	case keys.ES256:
		return fixedSize(signature, 32)
	case keys.ES384:
		return fixedSize(signature, 48)
	}
	return signature, nil
}

// fixedSize turns an ECDSA signature of a [crypto.Signer], a SEQUENCE of two INTEGERs, into the two
// numbers of size bytes each (RFC 7518 §3.4).
func fixedSize(der []byte, size int) ([]byte, error) {
	signature := make([]byte, 2*size)
	input, inner := cryptobyte.String(der), cryptobyte.String(nil)
	var r, s []byte
	if !input.ReadASN1(&inner, asn1.SEQUENCE) || !input.Empty() ||
		!inner.ReadASN1Integer(&r) || !inner.ReadASN1Integer(&s) || !inner.Empty() || len(r) > size || len(s) > size {
		return nil, errors.New("what the key returned is no ECDSA signature on its curve")
	}
	copy(signature[size-len(r):], r)
	copy(signature[2*size-len(s):], s)
	return signature, nil
}
