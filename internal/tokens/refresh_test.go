package tokens

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"authserver/internal/store"
)

// turns are keys that change every second: key n makes the tokens from n seconds on.
type turns map[uint32][]byte

func (k turns) At(moment time.Time) (id uint32, key []byte, ok bool) {
	for candidate := range k {
		if int64(candidate) <= moment.Unix() && candidate > id {
			id = candidate
		}
	}
	key, ok = k[id]
	return id, key, ok
}

func (k turns) ByID(id uint32) (key []byte, ok bool) {
	key, ok = k[id]
	return key, ok
}

func second(n int64) time.Time { return time.Unix(n, 0) }

func newCodec() *RefreshCodec {
	return &RefreshCodec{Keys: turns{1: bytes.Repeat([]byte{1}, 32), 2: bytes.Repeat([]byte{2}, 32)}}
}

func anyRefresh(t *rapid.T) Refresh {
	var r Refresh
	copy(r.Family[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "family"))
	r.Generation = rapid.Uint32().Draw(t, "generation")
	return r
}

func TestRefreshRoundTrip(t *testing.T) {
	codec := newCodec()
	rapid.Check(t, func(t *rapid.T) {
		want := anyRefresh(t)
		token, err := codec.Encode(want, second(2))
		if err != nil {
			t.Fatal(err)
		}
		if len(token) != refreshText().length() || !strings.HasPrefix(token, RefreshPrefix) {
			t.Fatalf("a refresh token of %d bytes, %q", len(token), token[:4])
		}
		again, err := codec.Encode(want, second(2))
		if err != nil || again != token {
			t.Fatal("a retry would get another successor") // the grace relies on this
		}
		if got, err := codec.Decode(token); err != nil || got != want {
			t.Fatalf("Decode = %v, %v; want %v", got, err, want)
		}
	})
}

// RFC 6749 §10.10: no token can be invented or changed, in any bit.
func TestRefreshEveryFlippedBitIsRefused(t *testing.T) {
	codec := newCodec()
	rapid.Check(t, func(t *rapid.T) {
		token, err := codec.Encode(anyRefresh(t), second(2))
		if err != nil {
			t.Fatal(err)
		}
		for i := range token {
			for bit := range 8 {
				other := []byte(token)
				other[i] ^= 1 << bit
				if _, err := codec.Decode(string(other)); err == nil {
					t.Fatalf("bit %d of byte %d may be another", bit, i)
				}
			}
		}
	})
}

func TestRefreshOfDifferentThingsDiffer(t *testing.T) {
	codec := newCodec()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyRefresh(t), anyRefresh(t)
		first, err := codec.Encode(a, second(2))
		if err != nil {
			t.Fatal(err)
		}
		second, err := codec.Encode(b, second(2))
		if err != nil {
			t.Fatal(err)
		}
		if (a == b) != (first == second) {
			t.Fatalf("%v and %v have the tokens %q and %q", a, b, first, second)
		}
	})
}

func TestRefreshKeys(t *testing.T) {
	r := Refresh{Family: store.FamilyID{7}, Generation: 3}
	before := &RefreshCodec{Keys: turns{1: bytes.Repeat([]byte{1}, 32)}}
	old, err := before.Encode(r, second(9))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := newCodec().Decode(old); err != nil || got != r {
		t.Errorf("after a new key, one of the old key reads %v, %v", got, err)
	}
	fresh, err := newCodec().Encode(r, second(2))
	if err != nil {
		t.Fatal(err)
	}
	if retried, err := newCodec().Encode(r, second(1)); err != nil || retried != old {
		t.Errorf("what was made before the new key is made again as %q, %v", retried, err)
	}
	if _, err := before.Decode(fresh); err == nil {
		t.Error("a token of a key that is not known is accepted")
	}
	if _, err := (&RefreshCodec{Keys: turns{}}).Encode(r, second(2)); err == nil {
		t.Error("a codec without keys makes tokens")
	}
	if _, err := (&RefreshCodec{Keys: turns{}}).Decode(old); err == nil {
		t.Error("a codec without keys accepts tokens")
	}
}

func TestRefreshDecodeRefuses(t *testing.T) {
	codec := newCodec()
	good, err := codec.Encode(Refresh{Family: store.FamilyID{7}, Generation: 3}, second(2))
	if err != nil {
		t.Fatal(err)
	}
	spell := func(change func(b []byte)) string {
		b, err := base64.RawURLEncoding.DecodeString(good[len(RefreshPrefix):])
		if err != nil {
			t.Fatal(err)
		}
		change(b)
		return RefreshPrefix + base64.RawURLEncoding.EncodeToString(b)
	}
	for name, token := range map[string]string{
		"nothing":            "",
		"the prefix alone":   RefreshPrefix,
		"another prefix":     "ort_" + good[4:],
		"a byte too few":     good[:len(good)-1],
		"a byte too many":    good + "A",
		"a line break in it": good[:20] + "\n" + good[21:],
		"another version":    spell(func(b []byte) { b[0] = 2 }),
		"key 0":              spell(func(b []byte) { binary.BigEndian.PutUint32(b[1:], 0) }),
		"the other key":      spell(func(b []byte) { binary.BigEndian.PutUint32(b[1:], 1) }),
		"another generation": spell(func(b []byte) { b[24]++ }),
		"no tag":             spell(func(b []byte) { clear(b[refreshText().body():]) }),
		"an access token":    strings.Repeat("a", refreshText().length()),
	} {
		_, err := codec.Decode(token)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if len(token) > 20 && strings.Contains(err.Error(), token[5:20]) {
			t.Errorf("%s: the error quotes the token: %v", name, err)
		}
	}
}

func FuzzRefreshDecode(f *testing.F) {
	codec := newCodec()
	known := make(map[string]bool)
	for _, r := range []Refresh{{}, {Family: store.FamilyID{1}, Generation: 1}, {Family: store.FamilyID{255}, Generation: 1<<32 - 1}} {
		token, err := codec.Encode(r, second(2))
		if err != nil {
			f.Fatal(err)
		}
		known[token] = true
		f.Add(token)
		f.Add(token[:len(token)-1])
		f.Add(RefreshPrefix + strings.ToLower(token[4:]))
	}
	f.Add("")
	f.Add(RefreshPrefix + strings.Repeat("A", 76))
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := codec.Decode(token); err == nil && !known[token] {
			t.Errorf("accepted %q, which was not made here", token)
		}
	})
}
