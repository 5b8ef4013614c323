package handlers

import (
	"strconv"
	"strings"
)

// prefersGzip reports whether whoever sent these Accept-Encoding fields is better
// served with gzip than with no content coding (RFC 9110 §12.5.3). Without a field
// every coding is acceptable, but few who send none can read one. Where neither
// gzip nor none is acceptable the fields are disregarded (§12.4.1): a verifier is
// better off with keys than with 406.
func prefersGzip(fields []string) bool {
	const unlisted = -1
	gzip, identity, other := unlisted, unlisted, unlisted
	for element := range strings.SplitSeq(strings.Join(fields, ","), ",") {
		coding, weight, ok := weighted(element)
		if !ok {
			continue
		}
		switch coding {
		case "gzip", "x-gzip": // the same (RFC 9110 §8.4.1.3)
			gzip = weight
		case "identity":
			identity = weight
		case "*":
			other = weight
		}
	}
	if gzip == unlisted { // "*" is every coding that is not listed
		gzip = other
	}
	if identity == unlisted {
		identity = other
	}
	return gzip > 0 && gzip >= identity
}

// weighted reads an element such as "gzip;q=0.5": the coding in lower case, and
// its weight in thousandths (RFC 9110 §12.4.2). One that is malformed says nothing.
func weighted(element string) (coding string, weight int, ok bool) {
	coding, parameter, found := strings.Cut(element, ";")
	coding = strings.ToLower(strings.TrimSpace(coding))
	if !found {
		return coding, 1000, true
	}
	value, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(parameter)), "q=")
	if !ok {
		return "", 0, false
	}
	whole, fraction, _ := strings.Cut(value, ".")
	if len(whole) != 1 || len(fraction) > 3 {
		return "", 0, false
	}
	thousandths, err := strconv.ParseUint(whole+(fraction + "000")[:3], 10, 16)
	return coding, int(thousandths), err == nil && thousandths <= 1000
}
