package tokens

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func newEnvelope(purpose string) *Envelope {
	return &Envelope{Purpose: purpose, Keys: newCodec().Keys, Rand: rand.Reader, MaxBytes: 400}
}

func TestEnvelopeRoundTrip(t *testing.T) {
	e := newEnvelope("one purpose")
	rapid.Check(t, func(t *rapid.T) {
		content := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "content")
		text, err := e.Seal(second(2), content)
		if err != nil {
			t.Fatal(err)
		}
		if opened, err := e.Open(text); err != nil || !bytes.Equal(opened, content) {
			t.Fatalf("opened %x, %v; want %x", opened, err, content)
		}
		if again, err := e.Seal(second(2), content); err != nil || again == text {
			t.Fatal("the same content looks the same when it is sealed again")
		}
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		other := []byte(text)
		other[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := e.Open(string(other)); err == nil {
			t.Fatalf("byte %d may be another", at)
		}
	})
}

func TestEnvelopeRefuses(t *testing.T) {
	e := newEnvelope("one purpose")
	good, err := e.Seal(second(2), []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newEnvelope("another purpose").Open(good); err == nil {
		t.Error("what was sealed for one purpose opens for another")
	}
	for name, text := range map[string]string{
		"nothing":         "",
		"a piece":         good[:len(good)-4],
		"more":            good + "AAAA",
		"padding":         good + "=",
		"a line break":    good[:9] + "\n" + good[9:],
		"too much to try": strings.Repeat("A", 401),
		"a refresh token": RefreshPrefix + strings.Repeat("A", 76),
	} {
		if _, err := e.Open(text); err == nil {
			t.Errorf("%s opens", name)
		}
	}
	if _, err := e.Seal(second(2), make([]byte, 300)); !IsTooLarge(err) {
		t.Errorf("content that is too large: %v", err)
	}
	gone := &Envelope{Purpose: "one purpose", Keys: turns{1: bytes.Repeat([]byte{1}, 32)}, Rand: rand.Reader, MaxBytes: 400}
	if _, err := gone.Open(good); err == nil {
		t.Error("it opens without its key")
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func FuzzEnvelopeOpen(f *testing.F) {
	e := newEnvelope("one purpose")
	e.Rand = zeros{} // all fuzzing processes seal with the same random bytes
	known := make(map[string]bool)
	for _, content := range []string{"", "content", strings.Repeat("c", 200)} {
		text, err := e.Seal(second(2), []byte(content))
		if err != nil {
			f.Fatal(err)
		}
		known[text] = true
		f.Add(text)
		f.Add(text[:len(text)-1])
		f.Add(strings.ToLower(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := e.Open(text); err == nil && !known[text] {
			t.Errorf("opened %q, which was not sealed here", text)
		}
	})
}
