package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	day     = 24 * time.Hour
	maxDays = 100 * 365
)

// ParseDuration reads a duration in the form of Go, with days before it if necessary: 90s, 15m,
// 1h30m, 30d, 1d12h. A day has 24 hours.
func ParseDuration(text string) (time.Duration, error) {
	number, rest, found := strings.Cut(text, "d")
	if !found {
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, notADuration(text)
		}
		return d, nil
	}
	days, err := strconv.ParseUint(number, 10, 64)
	if err != nil || days > maxDays {
		return 0, notADuration(text)
	}
	d := time.Duration(days) * day
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if err != nil || rest[0] == '-' || rest[0] == '+' || more > maxDays*day {
		return 0, notADuration(text)
	}
	return d + more, nil
}

func notADuration(text string) error {
	return fmt.Errorf("%q is not a duration: write a number with a unit, such as 90s, 15m, 24h or 30d", text)
}

// FormatDuration writes a duration for ParseDuration, in whole days if possible, and without the
// zeros of Go's 24h0m0s.
func FormatDuration(d time.Duration) string {
	if d > 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
