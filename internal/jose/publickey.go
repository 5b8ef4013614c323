package jose

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// HoldsSecret reports whether a JWK has a private or secret member (RFC 7518 §6, RFC 8037 §2;
// "priv" of keys of the kind AKP), with any value, or is of a kind that is always secret.
func HoldsSecret(members map[string]any) bool {
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		if _, ok := members[name]; ok {
			return true
		}
	}
	return members["kty"] == "oct"
}

// publicMembers returns the members of a public JWK that are supported here, and checks each. It
// leaves out a malformed "x5c", because the key does not depend on it.
func publicMembers(members map[string]any) (map[string]any, error) {
	own := make(map[string]any, len(members))
	for _, name := range []string{"kty", "crv", "x", "y", "n", "e", "kid", "alg", "use", "x5t", "x5t#S256"} {
		value, ok := members[name]
		if !ok {
			continue
		}
		text, ok := value.(string)
		if !ok || len(text) > MaxName && name != "n" {
			return nil, fmt.Errorf("its %s is not a string of at most %d bytes", name, MaxName)
		}
		own[name] = text
	}
	if ops, ok := members["key_ops"]; ok {
		list, isList := ops.([]any)
		if !isList || slices.ContainsFunc(list, func(op any) bool { _, ok := op.(string); return !ok }) {
			return nil, errors.New("its key_ops is not an array of strings")
		}
		own["key_ops"] = list
	}
	if chain, ok := members["x5c"].([]any); ok && firstCertificate(chain) != nil {
		own["x5c"] = chain
	}
	return own, nil
}

// PublicKey reads a key that can verify signatures. It uses only the members that define the key
// (RFC 7518 §6, RFC 8037 §2). The error says in words that begin with "it" or "its" why the key
// cannot be used.
func PublicKey(members map[string]any) (key jwk.Key, public any, err error) {
	kty, _ := members["kty"].(string)
	crv, _ := members["crv"].(string)
	switch {
	case kty == "":
		return nil, nil, errors.New("it has no kty, as every JWK has")
	case !slices.Contains([]string{"RSA", "EC", "OKP"}, kty):
		return nil, nil, fmt.Errorf("its kty is %.20q, which is not supported", kty)
	case kty == "EC" && !slices.Contains([]string{"P-256", "P-384", "P-521"}, crv), kty == "OKP" && crv != "Ed25519":
		return nil, nil, fmt.Errorf("its crv is %.20q, which is not supported", crv)
	}
	if key, err = parseKey(members); err == nil {
		err = key.Raw(&public)
	}
	if err != nil {
		return nil, nil, errors.New("it is damaged: a member is missing, or is no number in base64url")
	}
	if len(AlgorithmsFor(public)) > 0 {
		return key, public, nil
	}
	if weak, ok := public.(*rsa.PublicKey); ok {
		return nil, nil, fmt.Errorf("it is an RSA key of %d bits, and one has to have %d to %d", weak.N.BitLen(), MinRSABits, MaxRSABits)
	}
	return nil, nil, errors.New("it is damaged: its point is not on its curve, or is of another length")
}

// parseKey passes only the members that define the key to jwx.
func parseKey(members map[string]any) (jwk.Key, error) {
	only := make(map[string]any)
	for _, name := range []string{"kty", "crv", "x", "y", "n", "e"} {
		if value, ok := members[name]; ok {
			only[name] = value
		}
	}
	data, err := json.Marshal(only)
	if err != nil {
		return nil, err
	}
	return jwk.ParseKey(data)
}
