package tokens

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"authserver/internal/store"
)

func TestIDRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want ID
		if rapid.Bool().Draw(t, "of a family") {
			copy(want.Family[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "family"))
		}
		want.Client = rapid.Int64Range(0, 1<<47-1).Draw(t, "client")
		want.Subject = rapid.Int64Range(0, 1<<48-1).Draw(t, "subject")
		want.Bounded = rapid.Bool().Draw(t, "bounded")
		jti, err := want.encode(rand.Reader)
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
		jti, err := ID{Client: 1}.encode(rand.Reader)
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
		"stray bits at the end":    encoded(idShort)[:29] + "R",
		"the other alphabet":       strings.Repeat("+", 30),
		"characters of no meaning": strings.Repeat("!", 30),
	} {
		if _, err := ParseID(jti); err == nil {
			t.Errorf("%s: %q is accepted", name, jti)
		}
	}
}

func FuzzParseID(f *testing.F) {
	for _, id := range []ID{{Client: 1}, {Family: store.FamilyID{1}, Client: 1, Subject: 2}} {
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
		if parsed, err := ParseID(again); err != nil || parsed != id {
			t.Errorf("%q says %v, and made anew %v (%v)", jti, id, parsed, err)
		}
	})
}
