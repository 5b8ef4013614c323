package web

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"testing/iotest"
)

func TestNewRequestID(t *testing.T) {
	const made = "000102030405060708090a0b0c0d0e0f"
	const zeroToFifteen = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
	for _, c := range []struct{ name, inbound, want string }{
		{"none came, one is made", "", made},
		{"one that is fit is kept", "Req-1.a_B", "Req-1.a_B"},
		{"64 characters are kept", strings.Repeat("x", 64), strings.Repeat("x", 64)},
		{"65 characters are not", strings.Repeat("x", 65), made},
		{"a space makes it unfit", "a b", made},
		{"a line break makes it unfit", "a\nb", made},
		{"a quote makes it unfit", `a"b`, made},
		{"letters beyond ASCII make it unfit", "é", made},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := newRequestID(c.inbound, strings.NewReader(zeroToFifteen))
			if err != nil || got != c.want {
				t.Errorf("newRequestID(%q) = %q, %v; want %q", c.inbound, got, err, c.want)
			}
		})
	}
	if _, err := newRequestID("", iotest.ErrReader(context.Canceled)); err == nil {
		t.Error("a request id was made without randomness")
	}
}

func FuzzRequestID(f *testing.F) {
	for _, seed := range []string{"", "abc", "a b", "a\r\nb", strings.Repeat("x", 65), "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, inbound string) {
		id, err := newRequestID(inbound, rand.Reader)
		if err != nil || !requestID.MatchString(id) {
			t.Errorf("newRequestID(%q) = %q, %v", inbound, id, err)
		}
	})
}
