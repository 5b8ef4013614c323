package remotekeys

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Bounds on how long an answer is fresh.
const (
	minFresh     = 5 * time.Second  // also if the publisher says less, so that fetches do not follow each other
	defaultFresh = 15 * time.Minute // if the publisher says nothing
	maxFresh     = time.Hour
)

// freshness is how long an answer may be used without asking again, counted from the moment
// of the request: the lifetime that its publisher allows (RFC 9111 §4.2.1) less its age in
// the caches on its way (§4.2.3), within bounds. This is a private cache, so s-maxage does
// not apply to it (§5.2.2.10).
//
// RFC 9111 §4.2.3 also computes an age from the header Date. That compares two clocks, which
// may differ, so it is left out: every cache since HTTP/1.1 sends Age (§5.1).
func freshness(h http.Header, asked time.Time) time.Duration {
	allowed := lifetime(h, asked)
	return min(max(allowed-age(h), minFresh), maxFresh)
}

// lifetime is RFC 9111 §4.2.1. It is 0 for an answer that must not be kept, and for a value that
// cannot be read. Of several values it uses the first.
func lifetime(h http.Header, asked time.Time) time.Duration {
	said, err := directives(h)
	_, noStore := said["no-store"]
	_, noCache := said["no-cache"]
	if err != nil || noStore || noCache {
		return 0
	}
	if value, ok := said["max-age"]; ok {
		return deltaSeconds(value)
	}
	if expires := h.Values("Expires"); len(expires) > 0 { // RFC 9111 §5.3: "0" and the like are in the past
		until, err := http.ParseTime(expires[0])
		if err != nil {
			return 0
		}
		from, err := http.ParseTime(h.Get("Date"))
		if err != nil {
			from = asked // RFC 9110 §6.6.1
		}
		return max(until.Sub(from), 0)
	}
	return defaultFresh
}

// age is RFC 9111 §5.1: it uses the first of a list, and ignores a value that is not a number.
func age(h http.Header) time.Duration {
	first, _, _ := strings.Cut(h.Get("Age"), ",")
	return deltaSeconds(strings.TrimSpace(first))
}

// deltaSeconds is RFC 9111 §1.2.2: a number that is too large counts as the largest one. Text
// other than digits is 0.
func deltaSeconds(text string) time.Duration {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		return 0
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds > math.MaxInt32 {
		seconds = math.MaxInt32
	}
	return time.Duration(seconds) * time.Second
}

// directives reads Cache-Control (RFC 9111 §5.2): names in lower case, and the first value of
// each, quoted or not. The parser httpcc, which jwx uses, panics at "max-age=".
func directives(h http.Header) (map[string]string, error) {
	quoted, escaped := false, false
	list := strings.FieldsFunc(strings.Join(h.Values("Cache-Control"), ","), func(r rune) bool {
		switch { // a comma in a quoted string splits nothing (RFC 9110 §5.6.4)
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		}
		return r == ',' && !quoted
	})
	if quoted {
		return nil, errors.New("a quoted string of Cache-Control does not end")
	}
	found := make(map[string]string, len(list))
	for _, directive := range list {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, ok := found[name]; !ok {
			found[name] = strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return found, nil
}
