package jose

import (
	"strings"
	"testing"
	"time"
)

// RFC 7519 §2: a date is a number of seconds since 1970, in any form of a JSON number.
func TestDate(t *testing.T) {
	whole := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		text string
		want time.Time // zero: refused
		says string
	}{
		{"1772366400", whole, ""},
		{"1772366400.0", whole, ""},
		{"1772366400.5", whole.Add(time.Second / 2), ""},
		{"1772366400.000000000000000000000000000000000000000001", whole, ""},
		{"1.7723664e9", whole, ""},
		{"17723664E+2", whole, ""},
		{"17723664000000e-4", whole, ""},
		{"0", time.Unix(0, 0).UTC(), ""},
		{"-0", time.Unix(0, 0).UTC(), ""},
		{"0.75", time.Unix(0, 750_000_000).UTC(), ""},
		{"1e-400", time.Unix(0, 0).UTC(), ""},
		{"253402300799", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), ""},
		{"253402300800", time.Time{}, "seconds since 1970, and not in milliseconds"},
		{"1772366400000", time.Time{}, "seconds since 1970, and not in milliseconds"},
		{"9223372036854775808", time.Time{}, "milliseconds"},
		{"1e400", time.Time{}, "milliseconds"},
		{"1e999999999", time.Time{}, "milliseconds"},
		{"-1", time.Time{}, "not a number of seconds since 1970"},
		{"-0.5", time.Time{}, "not a number of seconds since 1970"},
		{"-1e400", time.Time{}, "not a number of seconds since 1970"},
		{`"1772366400"`, time.Time{}, "its exp is not a number"},
		{"null", time.Time{}, "its exp is not a number"},
		{"true", time.Time{}, "its exp is not a number"},
		{"[1772366400]", time.Time{}, "its exp is not a number"},
	} {
		claims, err := DecodeObject([]byte(`{"exp":` + test.text + `}`))
		if err != nil {
			t.Fatalf("%s: %v", test.text, err)
		}
		got, there, err := NumericDate(claims, "exp")
		switch {
		case test.says == "" && (err != nil || !there || !got.Equal(test.want)):
			t.Errorf("%s: %v, %v, %v, want %v", test.text, got, there, err, test.want)
		case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)):
			t.Errorf("%s: %v, %v, want an error that says %q", test.text, got, err, test.says)
		}
	}
	if _, there, err := NumericDate(map[string]any{}, "exp"); there || err != nil {
		t.Errorf("a claim that is missing: %v, %v", there, err)
	}
}
