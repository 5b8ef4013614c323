package config

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseDuration(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       time.Duration
		fails      bool
	}{
		{name: "seconds", text: "90s", want: 90 * time.Second},
		{name: "hours and minutes", text: "1h30m", want: 90 * time.Minute},
		{name: "days", text: "30d", want: 720 * time.Hour},
		{name: "days and hours", text: "1d12h", want: 36 * time.Hour},
		{name: "no days", text: "0d", want: 0},
		{name: "nought", text: "0", want: 0},
		{name: "a hundred years", text: "36500d", want: 36500 * 24 * time.Hour},
		{name: "a negative duration, for the bounds to refuse", text: "-1s", want: -time.Second},
		{name: "nothing", text: "", fails: true},
		{name: "a number without a unit", text: "10", fails: true},
		{name: "a unit without a number", text: "d", fails: true},
		{name: "negative days", text: "-1d", fails: true},
		{name: "days after hours", text: "1h1d", fails: true},
		{name: "days twice", text: "1d1d", fails: true},
		{name: "a sign after days", text: "1d-1h", fails: true},
		{name: "more than a duration holds", text: "1000000d", fails: true},
		{name: "more than a duration holds, in hours", text: "1d2500000h", fails: true},
		{name: "a word", text: "soon", fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseDuration(c.text)
			if (err != nil) != c.fails || got != c.want {
				t.Errorf("ParseDuration(%q) = %v, %v; want %v", c.text, got, err, c.want)
			}
		})
	}
}

func TestFormatDurationIsReadBack(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 90 * time.Second: "1m30s", 5 * time.Minute: "5m", time.Hour: "1h", 90 * time.Minute: "1h30m", 24 * time.Hour: "1d", 36 * time.Hour: "36h",
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%v) = %q, want %q", d, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(maxDays*day)).Draw(t, "d"))
		if got, err := ParseDuration(FormatDuration(d)); err != nil || got != d {
			t.Fatalf("%v is written %q and read %v, %v", d, FormatDuration(d), got, err)
		}
	})
}

func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"", "0", "30d", "1d12h", "d", "1d-1h", "-1s", "9223372036854775807d", "1.5d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err != nil || d < 0 {
			return
		}
		if again, err := ParseDuration(FormatDuration(d)); err == nil && again != d {
			t.Errorf("ParseDuration(%q) = %v, written again and read %v", text, d, again)
		}
	})
}
