package jose

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// The values of "alg" of an encrypted token (RFC 7518 §4.1). The server refuses RSA1_5 (RFC 8725
// §3.2), and encryption under a password or a shared key.
const (
	RSAOAEP256  = "RSA-OAEP-256"
	ECDHES      = "ECDH-ES"
	ECDHESA128W = "ECDH-ES+A128KW"
	ECDHESA192W = "ECDH-ES+A192KW"
	ECDHESA256W = "ECDH-ES+A256KW"
)

// ContentEncryptions returns the values of "enc" (RFC 7518 §5.1) of tokens that are encrypted
// to this server or to a resource, the default first.
func ContentEncryptions() []string { return []string{"A256GCM", "A128GCM"} }

// ClientEncryptions returns the values of "enc" of tokens that are encrypted to a client, the
// default first (OpenID Connect Dynamic Client Registration 1.0 §2).
func ClientEncryptions() []string {
	return []string{"A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"}
}

// ClientEncryptionAlgs returns the values of "alg" of tokens that are encrypted to a client.
func ClientEncryptionAlgs() []string { return append([]string{RSAOAEP256}, curveAlgs()...) }

func curveAlgs() []string { return []string{ECDHES, ECDHESA128W, ECDHESA192W, ECDHESA256W} }

// EncryptionAlg returns the algorithm that makes content keys for a public key, or "" if the key is
// too weak or of another kind.
func EncryptionAlg(public any) string {
	switch k := public.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits >= MinRSABits && bits <= MaxRSABits {
			return RSAOAEP256
		}
	case *ecdsa.PublicKey:
		if _, err := k.ECDH(); err == nil && k.Curve != elliptic.P224() {
			return ECDHES
		}
	}
	return ""
}

// CheckEncryptionKey reads the JWK to which tokens for a recipient are encrypted. It returns only
// the public members, with "alg" and "kid" set: the kid of the JWK, or otherwise its thumbprint
// (RFC 7638).
func CheckEncryptionKey(data []byte) (json.RawMessage, error) {
	key, err := jwk.ParseKey(data)
	if err != nil {
		return nil, fmt.Errorf("it is not a JWK (RFC 7517 section 4)")
	}
	return encryptionKey(key)
}

// CheckClientEncryptionKey is [CheckEncryptionKey] for the key of a client, which chooses the
// algorithm for each kind of token separately. It sets "alg" only if the JWK has it. That may be
// any of ClientEncryptionAlgs that the key supports.
func CheckClientEncryptionKey(data []byte) (json.RawMessage, error) {
	key, err := jwk.ParseKey(data)
	if err != nil {
		return nil, fmt.Errorf("it is not a JWK (RFC 7517 section 4)")
	}
	if _, err := publicAlgs(key, curveAlgs()); err != nil {
		return nil, err
	}
	return completed(key)
}

// AlgsOfClientKey returns the values of "alg" that a key from [CheckClientEncryptionKey] supports.
func AlgsOfClientKey(registered []byte) ([]string, error) {
	key, err := jwk.ParseKey(registered)
	if err != nil {
		return nil, fmt.Errorf("read the registered encryption key: %w", err)
	}
	return publicAlgs(key, curveAlgs())
}

// ChooseEncryptionKey is [CheckEncryptionKey] for the published key set of a recipient: of its keys
// with use "enc" it selects the one for alg, or the only one if alg is "". A single JWK needs no
// use.
func ChooseEncryptionKey(data []byte, alg string) (json.RawMessage, error) {
	set, err := jwk.Parse(data, jwk.WithIgnoreParseError(true)) // so that a key of an unknown kind is left out
	if err != nil || set.Len() == 0 {
		return nil, fmt.Errorf("it is neither a JWK Set nor a JWK (RFC 7517)")
	}
	var chosen json.RawMessage
	var unusable error
	for i := range set.Len() {
		key, _ := set.Key(i)
		if set.Len() > 1 && key.KeyUsage() != "enc" {
			continue
		}
		checked, err := encryptionKey(key)
		if err != nil { // RFC 7517 §5: another key may fit
			unusable = err
			continue
		}
		if alg != "" && key.Algorithm().String() != alg {
			continue
		}
		if chosen != nil {
			return nil, fmt.Errorf("it holds several keys to encrypt to: choose one by its alg, or give its JWK alone")
		}
		chosen = checked
	}
	if chosen == nil && unusable != nil {
		return nil, unusable
	}
	if chosen == nil {
		return nil, fmt.Errorf("it holds no key with use enc, or none for the alg that is wanted")
	}
	return chosen, nil
}

// encryptionKey checks a key, and completes it.
func encryptionKey(key jwk.Key) (json.RawMessage, error) {
	algs, err := publicAlgs(key, []string{ECDHES})
	if err != nil {
		return nil, err
	}
	if err := key.Set(jwk.AlgorithmKey, algs[0]); err != nil {
		return nil, fmt.Errorf("set the member %q: %w", jwk.AlgorithmKey, err)
	}
	return completed(key)
}

// publicAlgs checks a public key, and returns the values of "alg" that it supports; for curves,
// those of ofCurves. If the key has an "alg", that is the only one. There is at least one.
func publicAlgs(key jwk.Key, ofCurves []string) ([]string, error) {
	if private, err := jwk.IsPrivateKey(key); err != nil || private {
		return nil, fmt.Errorf("it is a private or symmetric key: register the public key alone")
	}
	if use := key.KeyUsage(); use != "" && use != "enc" {
		return nil, fmt.Errorf("its use is %q and not enc", use)
	}
	var public any
	if err := key.Raw(&public); err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	var algs []string
	switch EncryptionAlg(public) {
	case "":
		return nil, fmt.Errorf("the key is of a kind or size that cannot be used: take RSA from %d bits, P-256, P-384 or P-521", MinRSABits)
	case RSAOAEP256:
		algs = []string{RSAOAEP256}
	default:
		algs = ofCurves
	}
	own := key.Algorithm().String()
	switch {
	case own == "":
		return algs, nil
	case !slices.Contains(algs, own):
		return nil, fmt.Errorf("its alg is %q: with this key it has to be %s", own, strings.Join(algs, " or "))
	}
	return []string{own}, nil
}

// completed returns a public key with "use" and "kid".
func completed(key jwk.Key) (json.RawMessage, error) {
	if key.KeyID() == "" {
		if err := jwk.AssignKeyID(key); err != nil {
			return nil, fmt.Errorf("name the key: %w", err)
		}
	}
	if err := key.Set(jwk.KeyUsageKey, "enc"); err != nil {
		return nil, fmt.Errorf("set the member %q: %w", jwk.KeyUsageKey, err)
	}
	encoded, err := json.Marshal(key)
	if err != nil {
		return nil, fmt.Errorf("encode the key: %w", err)
	}
	return encoded, nil
}
