package tokens

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"authserver/internal/store"
)

func newCodeCodec() *CodeCodec { return &CodeCodec{Keys: newCodec().Keys} }

func TestCodeRoundTrip(t *testing.T) {
	codec := newCodeCodec()
	rapid.Check(t, func(t *rapid.T) {
		var family store.FamilyID
		copy(family[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "family"))
		code, err := codec.Encode(family, second(2))
		if err != nil {
			t.Fatal(err)
		}
		if len(code) != codeText().length() || !strings.HasPrefix(code, CodePrefix) {
			t.Fatalf("a code of %d bytes, %q", len(code), code[:4])
		}
		if got, err := codec.Decode(code); err != nil || got != family {
			t.Fatalf("Decode = %v, %v; want %v", got, err, family)
		}
		for i := range code { // RFC 6749 §10.10: no code can be invented or changed, in any bit
			other := []byte(code)
			other[i] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			if _, err := codec.Decode(string(other)); err == nil {
				t.Fatalf("byte %d may be another", i)
			}
		}
	})
}

func TestCodeDecodeRefuses(t *testing.T) {
	codec := newCodeCodec()
	good, err := codec.Encode(store.FamilyID{7}, second(2))
	if err != nil {
		t.Fatal(err)
	}
	refresh, err := newCodec().Encode(Refresh{Family: store.FamilyID{7}}, second(2))
	if err != nil {
		t.Fatal(err)
	}
	body, err := base64.RawURLEncoding.DecodeString(good[len(CodePrefix):])
	if err != nil {
		t.Fatal(err)
	}
	for name, code := range map[string]string{
		"nothing":                              "",
		"the prefix alone":                     CodePrefix,
		"a byte too few":                       good[:len(good)-1],
		"a byte too many":                      good + "A",
		"a line break in it":                   good[:20] + "\n" + good[21:],
		"a refresh token":                      refresh,
		"a refresh token under this prefix":    CodePrefix + refresh[len(RefreshPrefix):],
		"one that was cut and filled again":    CodePrefix + refresh[len(RefreshPrefix):codeText().length()],
		"the tag of a refresh token":           CodePrefix + base64.RawURLEncoding.EncodeToString(append(body[:codeText().body():codeText().body()], refreshText().tag(bytes.Repeat([]byte{2}, 32), body[:codeText().body()])...)),
		"the code of a server with other keys": encodeWith(t, &CodeCodec{Keys: turns{2: bytes.Repeat([]byte{9}, 32)}}),
	} {
		if _, err := codec.Decode(code); err == nil {
			t.Errorf("%s: accepted", name)
		} else if len(code) > 20 && strings.Contains(err.Error(), code[5:20]) {
			t.Errorf("%s: the error quotes the code: %v", name, err)
		}
	}
	if _, err := (&CodeCodec{Keys: turns{}}).Encode(store.FamilyID{7}, second(2)); err == nil {
		t.Error("a codec without keys makes codes")
	}
}

func encodeWith(t *testing.T, codec *CodeCodec) string {
	t.Helper()
	code, err := codec.Encode(store.FamilyID{7}, second(2))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func FuzzCodeDecode(f *testing.F) {
	codec := newCodeCodec()
	known := make(map[string]bool)
	for _, family := range []store.FamilyID{{}, {1}, {255}} {
		code, err := codec.Encode(family, second(2))
		if err != nil {
			f.Fatal(err)
		}
		known[code] = true
		f.Add(code)
		f.Add(code[:len(code)-1])
		f.Add(RefreshPrefix + code[4:])
	}
	f.Add("")
	f.Fuzz(func(t *testing.T, code string) {
		if _, err := codec.Decode(code); err == nil && !known[code] {
			t.Errorf("accepted %q, which was not made here", code)
		}
	})
}
