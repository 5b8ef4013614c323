package jose

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"authserver/internal/testkit"
)

func publicJWK(t testing.TB, members map[string]any) string {
	t.Helper()
	return string(testkit.JWK(t, testkit.P256(t).Public(), members))
}

func setOf(keys ...string) []byte { return []byte(`{"keys":[` + strings.Join(keys, ",") + `]}`) }

// RFC 7517 §5: keys that cannot be used are left out, and the others stay.
func TestParseKeySetLeavesOutWhatCannotVerify(t *testing.T) {
	good := publicJWK(t, map[string]any{"kid": "good"})
	for name, other := range map[string]string{
		"a kind of key that is not known":    `{"kty":"XYZ","kid":"x"}`,
		"a key for encryption":               publicJWK(t, map[string]any{"use": "enc"}),
		"a key for wrapping":                 publicJWK(t, map[string]any{"key_ops": []string{"wrapKey"}}),
		"a key for an alg that it cannot do": publicJWK(t, map[string]any{"alg": "RS256"}),
		"a symmetric key":                    `{"kty":"oct","k":"c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I"}`,
		"an Ed25519 key that is short":       `{"kty":"OKP","crv":"Ed25519","x":"AQ"}`,
		"an RSA key of 1024 bits":            `{"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("_", 171) + `w"}`,
	} {
		t.Run(name, func(t *testing.T) {
			set, err := ParseKeySet(setOf(other, good))
			if err != nil || len(set) != 1 || set[0].KID != "good" {
				t.Errorf("got %v, %v, want the good key alone", set, err)
			}
		})
	}
}

func TestParseKeySetRefuses(t *testing.T) {
	var many []string
	for i := range MaxKeys + 1 {
		many = append(many, publicJWK(t, map[string]any{"kid": fmt.Sprint(i)}))
	}
	key := publicJWK(t, nil)
	for name, data := range map[string][]byte{
		"a page": []byte("<html>"), "nothing": nil, "null": []byte("null"), "too many keys": setOf(many...),
		"an array of keys":              []byte("[" + key + "]"),
		"keys that are no array":        []byte(`{"keys":` + key + `}`),
		"keys that are null":            []byte(`{"keys":null}`),
		"keys that are null, and kty":   []byte(`{"keys":null,` + key[1:]),
		"keys twice":                    []byte(`{"keys":[` + key + `],"keys":[` + key + `]}`),
		"keys twice, once null":         []byte(`{"keys":null,"keys":[` + key + `]}`),
		"keys twice, once empty":        []byte(`{"keys":[],"keys":[` + key + `]}`),
		"keys in capitals":              []byte(`{"KEYS":[` + key + `]}`),
		"a set with something after it": append(setOf(key), "{}"...),
		"a set that is cut off":         setOf(key)[:20],
	} {
		if set, err := ParseKeySet(data); err == nil {
			t.Errorf("%s is read as %v", name, set)
		}
	}
}

// RFC 7517 §5: a fault of one key does not affect the others.
func TestAKeyThatIsDamagedLeavesTheOthers(t *testing.T) {
	good := publicJWK(t, map[string]any{"kid": "good"})
	for name, other := range map[string]string{
		"a member twice": `{"kty":"EC","kty":"EC"}`, "no object": `[1]`, "null": "null", "too deep": strings.Repeat("[", 40) + strings.Repeat("]", 40),
	} {
		set, out, err := ReadKeySet([]byte(`{"more":{"a":1,"a":2},"keys":[` + other + "," + good + `]}`))
		if err != nil || len(set) != 1 || set[0].KID != "good" || len(out) != 1 || out[0].Place != 1 {
			t.Errorf("%s: got %v, %v, %v, want the good key alone", name, set, out, err)
		}
	}
}

// In any set, a key that is found fits the alg of the header. If the header has none, as for
// certificates, it fits some alg.
func FuzzParseKeySet(f *testing.F) {
	f.Add(setOf(publicJWK(f, nil)), "ES256", "")
	f.Add(setOf(publicJWK(f, map[string]any{"kid": "k", "x5t": "dA"}), `{"kty":"RSA"}`), "RS256", "k")
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":""}]}`), "EdDSA", "")
	f.Add([]byte(`{"keys":null}`), "none", "../k")
	f.Add([]byte(`{"keys":{}}`), "HS256", "")
	f.Add(setOf(publicJWK(f, map[string]any{"kid": "k"})), "", "k")
	f.Fuzz(func(t *testing.T, data []byte, alg, kid string) {
		set, err := ParseKeySet(data)
		if err != nil {
			return
		}
		for _, key := range set.Find(Header{Alg: alg, KID: kid}) {
			fits := KeyFits(alg, key.Public)
			if alg == "" {
				fits = len(AlgorithmsFor(key.Public)) > 0
			}
			if !fits || kid != "" && key.KID != kid {
				t.Errorf("%+v is found for alg %q and kid %q", key, alg, kid)
			}
		}
	})
}

func encodePart(part string) string { return base64.RawURLEncoding.EncodeToString([]byte(part)) }
