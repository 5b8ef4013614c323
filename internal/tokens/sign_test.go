package tokens

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"authserver/internal/jose"
	"authserver/internal/keys"
	"authserver/internal/testkit"
)

// Another library must accept every token that is serialised here, also if the numbers of an ECDSA
// signature begin with zeros, as one in 256 does.
func TestSignedAsJWXReadsIt(t *testing.T) {
	k := newKeyring(t)
	for alg, s := range k.signers {
		times := 1000
		if strings.HasSuffix(alg, "S256") && alg != "ES256" {
			times = 3
		}
		for i := range times {
			payload := bytes.Repeat([]byte{'x'}, i%7)
			token, err := sign(newMinter(k).Rand, s, AccessType, payload)
			if err != nil {
				t.Fatal(err)
			}
			read, err := jws.Verify(token, jws.WithKey(jwa.SignatureAlgorithm(alg), k.public[s.KID].Key))
			if err != nil || !bytes.Equal(read, payload) {
				t.Fatalf("%s: %v, payload %q: %s", alg, err, read, token)
			}
		}
	}
}

func TestFixedSize(t *testing.T) {
	der := func(r, s *big.Int) []byte {
		out, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	one := big.NewInt(1)
	largest := new(big.Int).Sub(new(big.Int).Lsh(one, 256), one)
	zeros := strings.Repeat("00", 31)
	tests := []struct {
		name string
		der  []byte
		want string // hexadecimal; "": refused
	}{
		{"small numbers are filled up", der(one, big.NewInt(0xab)), zeros + "01" + zeros + "ab"},
		{"a sign octet is taken away", der(largest, one), strings.Repeat("ff", 32) + zeros + "01"},
		{"a number of another curve", der(new(big.Int).Lsh(one, 256), one), ""},
		{"a negative number", der(big.NewInt(-1), one), ""},
		{"something after it", append(der(one, one), 0), ""},
		{"cut short", der(one, one)[:5], ""},
		{"nothing", nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := fixedSize(test.der, 32)
			if (err != nil) != (test.want == "") || hex.EncodeToString(got) != test.want {
				t.Errorf("got %x, %v, want %s", got, err, test.want)
			}
		})
	}
}

// A registered claim may not also be a custom claim.
func TestRegisteredClaimsAreReserved(t *testing.T) {
	fields := reflect.TypeFor[registered]()
	for i := range fields.NumField() {
		if name, _, _ := strings.Cut(fields.Field(i).Tag.Get("json"), ","); !Reserved(name) {
			t.Errorf("the claim %q could be there twice", name)
		}
	}
}

// BenchmarkMint makes signed tokens, and tokens that are also encrypted.
func BenchmarkMint(b *testing.B) {
	private, err := keys.Generate(keys.ES256)
	if err != nil {
		b.Fatal(err)
	}
	k := keyring{signers: map[string]keys.Signer{}, public: map[string]keys.PublicKey{}}
	k.add("ec-1", keys.ES256, private)
	registered, err := jose.CheckEncryptionKey(testkit.JWK(b, testkit.P256(b).Public(), nil))
	if err != nil {
		b.Fatal(err)
	}
	for name, encryption := range map[string]Encryption{
		"signed": {}, "encrypted": {JWK: string(registered), Enc: jose.ContentEncryptions()[0]},
	} {
		b.Run(name, func(b *testing.B) {
			m, a := newMinter(k), anAccess(keys.ES256)
			a.Encryption = encryption
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Mint(noon, a); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
