package assertions

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"authserver/internal/jose"
)

// CheckPath refuses a path that names no claim. A path is the name of a claim, or, if it begins
// with a slash, a JSON Pointer (RFC 6901) into the claims.
func CheckPath(path string) error {
	switch {
	case path == "" || path == "/":
		return fmt.Errorf("a claim has a name")
	case len(path) > maxPath:
		return fmt.Errorf("the name of a claim is longer than %d bytes", maxPath)
	}
	return nil
}

const maxPath = 256 // bytes

// Claim returns the claim at a path, and whether it is present.
func Claim(claims map[string]any, path string) (any, bool) {
	if !strings.HasPrefix(path, "/") {
		value, ok := claims[path]
		return value, ok
	}
	var value any = claims
	for token := range jsontext.Pointer(path).Tokens() {
		switch in := value.(type) {
		case map[string]any:
			var ok bool
			if value, ok = in[token]; !ok {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(in) || strconv.Itoa(i) != token {
				return nil, false
			}
			value = in[i]
		default:
			return nil, false
		}
	}
	return value, true
}

// scope reads the claim "scope": a text of values with spaces between them (RFC 8693 §4.2), or an
// array of values, as many issuers write it.
func scope(claims map[string]any) (values string, there bool, err error) {
	value, there := claims["scope"]
	list, ok := value.([]any)
	if !ok {
		values, err = jose.StringClaim(claims, "scope")
		return values, there, err
	}
	texts := make([]string, 0, len(list))
	for _, v := range list {
		text, ok := v.(string)
		if !ok {
			return "", false, errors.New("its scope is an array with a value that is not a string")
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, " "), true, nil
}

// Matches reports whether a text matches a pattern, in which * stands for any number of characters
// and ? for one.
func Matches(pattern, text string) bool {
	expression := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
	compiled, err := regexp.Compile("(?s)^" + expression + "$")
	return err == nil && compiled.MatchString(text) // a pattern that is not UTF-8 matches nothing
}

// mismatches returns the claims of the pattern that do not match. A claim matches if it is a text
// that matches, or an array with such a text.
func mismatches(claims map[string]any, pattern map[string]string) []string {
	var paths []string
	for path, glob := range pattern {
		value, _ := Claim(claims, path)
		values, ok := value.([]any)
		if !ok {
			values = []any{value}
		}
		if !slices.ContainsFunc(values, func(v any) bool {
			text, ok := v.(string)
			return ok && Matches(glob, text)
		}) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}
