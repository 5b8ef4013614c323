package tokens

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"authserver/internal/store"
)

func TestIDRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want ID
		if rapid.Bool().Draw(t, "of a family") {
			copy(want.Family[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "family"))
		}
		want.IssuedAt = time.UnixMilli(rapid.Int64Range(0, 1<<48-1).Draw(t, "millisecond")).UTC()
		within := time.Duration(rapid.IntRange(0, 999_999).Draw(t, "nanoseconds in it"))
		jti, err := ID{Family: want.Family, IssuedAt: want.IssuedAt.Add(within)}.encode(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseID(jti)
		if err != nil || got != want {
			t.Fatalf("ParseID(%q) = %v, %v; want %v", jti, got, err, want)
		}
	})
}

func TestIDsDiffer(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		jti, err := ID{IssuedAt: noon}.encode(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if seen[jti] { // RFC 7519 §4.1.7: negligible probability of the same value
			t.Fatal("a jti stands twice")
		}
		seen[jti] = true
	}
}

func TestParseIDRefuses(t *testing.T) {
	encoded := func(n int) string { return base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{1}, n)) }
	for name, jti := range map[string]string{
		"nothing":                  "",
		"another server's":         "7f9c2ba4-e88f-827d-6160-4550c4c2a4f1",
		"a byte too few":           encoded(idShort - 1),
		"a byte too many":          encoded(idShort + 1),
		"a family and no more":     encoded(16 + 1),
		"a long one too long":      encoded(idLong + 1),
		"padding":                  encoded(idShort) + "==",
		"stray bits at the end":    encoded(idShort)[:21] + "R",
		"the other alphabet":       strings.Repeat("+", 22),
		"characters of no meaning": strings.Repeat("!", 22),
	} {
		if _, err := ParseID(jti); err == nil {
			t.Errorf("%s: %q is accepted", name, jti)
		}
	}
}

func FuzzParseID(f *testing.F) {
	for _, id := range []ID{{IssuedAt: noon}, {Family: store.FamilyID{1}, IssuedAt: noon}} {
		jti, err := id.encode(rand.Reader)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(jti)
	}
	f.Add("")
	f.Fuzz(func(t *testing.T, jti string) {
		id, err := ParseID(jti)
		if err != nil {
			return
		}
		again, err := id.encode(bytes.NewReader(make([]byte, idRandom)))
		if err != nil {
			t.Fatal(err)
		}
		if parsed, err := ParseID(again); err != nil || parsed.IssuedAt != id.IssuedAt {
			t.Errorf("%q says %v, and made anew %v (%v)", jti, id, parsed, err)
		}
	})
}
