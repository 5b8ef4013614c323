package jose

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// latest bounds a NumericDate, so that arithmetic on it cannot overflow: it is the end of the year
// 9999.
const latest = 253402300799

// NumericDate reads a claim that is a NumericDate (RFC 7519 §2), a number of seconds which may have
// a fraction or an exponent, and reports whether it is present.
func NumericDate(claims map[string]any, name string) (time.Time, bool, error) {
	value, ok := claims[name]
	if !ok {
		return time.Time{}, false, nil
	}
	number, ok := value.(json.Number)
	if !ok {
		return time.Time{}, false, fmt.Errorf("its %s is not a number", name)
	}
	seconds, err := number.Float64() // exact to about 30 µs up to latest
	switch {
	case seconds < 0 || err != nil && !errors.Is(err, strconv.ErrRange):
		return time.Time{}, false, fmt.Errorf("its %s is not a number of seconds since 1970", name)
	case seconds > latest:
		return time.Time{}, false, fmt.Errorf("its %s is after the year 9999: it has to be in seconds since 1970, and not in milliseconds", name)
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*float64(time.Second))).UTC(), true, nil
}

// StringClaim reads a claim that is a string of bounded length, or "" if it is missing. It refuses
// NUL, which no database accepts.
func StringClaim(claims map[string]any, name string) (string, error) {
	value, ok := claims[name]
	if !ok {
		return "", nil
	}
	s, ok := value.(string)
	if !ok || len(s) > MaxName || strings.ContainsRune(s, 0) {
		return "", fmt.Errorf("its %s is not a string of at most %d bytes, without NUL", name, MaxName)
	}
	return s, nil
}

// Audience reads the claim "aud", a string or an array of strings (RFC 7519 §4.1.3), or nil if it
// is missing or empty.
func Audience(claims map[string]any) ([]string, error) {
	malformed := fmt.Errorf("its aud is not a string or an array of strings")
	switch aud := claims["aud"].(type) {
	case nil:
		return nil, nil
	case string:
		return []string{aud}, nil
	case []any:
		var audience []string
		for _, name := range aud {
			s, ok := name.(string)
			if !ok {
				return nil, malformed
			}
			audience = append(audience, s)
		}
		return audience, nil
	}
	return nil, malformed
}
