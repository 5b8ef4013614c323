package oauth

import (
	"fmt"
	"mime"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Bounds on a form.
const (
	MaxFormBytes  = 64 << 10
	MaxFormFields = 50
)

// Form is a parsed request body in which every parameter but "resource" stands
// at most once (RFC 6749 §3.2, RFC 8707 §2).
type Form struct {
	values    map[string]string
	resources []string
}

// ParseForm reads a body of type application/x-www-form-urlencoded and refuses
// what a lenient parser would guess at: another content type or charset, bad
// escapes, invalid UTF-8, NUL, a repeated or unnamed parameter, a PHP-style array.
// A parameter without a value counts as left out (RFC 6749 §3.2).
func ParseForm(contentType string, body []byte) (Form, error) {
	if err := checkContentType(contentType); err != nil {
		return Form{}, err
	}
	if len(body) > MaxFormBytes {
		return Form{}, invalidForm("body_too_large", fmt.Sprintf("the body is larger than %d bytes", MaxFormBytes))
	}
	form := Form{values: make(map[string]string)}
	if len(body) == 0 {
		return form, nil
	}
	pairs := strings.Split(string(body), "&")
	if len(pairs) > MaxFormFields {
		return Form{}, invalidForm("too_many_fields", fmt.Sprintf("the body has more than %d parameters", MaxFormFields))
	}
	seen := make(map[string]bool, len(pairs))
	for _, pair := range pairs {
		name, value, err := parsePair(pair)
		if err != nil {
			return Form{}, err
		}
		if name == "resource" {
			if err := form.addResource(value); err != nil {
				return Form{}, err
			}
			continue
		}
		if seen[name] {
			return Form{}, invalidForm("repeated_parameter", "a parameter is repeated: each may stand once (RFC 6749 section 3.2)")
		}
		seen[name] = true
		if value != "" {
			form.values[name] = value
		}
	}
	return form, nil
}

// Get returns the parameter's value, or "" where it was left out.
func (f Form) Get(name string) string { return f.values[name] }

// Has reports whether the parameter was given with a value.
func (f Form) Has(name string) bool { return f.values[name] != "" }

// Resources returns the resource indicators in the order in which they were
// named, each once.
func (f Form) Resources() []string { return f.resources }

func (f *Form) addResource(value string) error {
	if value == "" {
		return nil
	}
	if err := CheckResource(value); err != nil {
		return Fail(InvalidTarget, "resource_malformed", err.Error())
	}
	for _, r := range f.resources {
		if r == value {
			return nil
		}
	}
	if len(f.resources) == MaxResources {
		return Fail(InvalidTarget, "too_many_resources", fmt.Sprintf("more than %d resources in one request", MaxResources))
	}
	f.resources = append(f.resources, value)
	return nil
}

func checkContentType(contentType string) error {
	if contentType == "application/x-www-form-urlencoded" {
		return nil // as nearly everybody writes it, and to parse it takes longer than the rest of a form
	}
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return invalidForm("content_type", "the content type must be application/x-www-form-urlencoded")
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return invalidForm("content_type", "the charset of a form must be UTF-8")
	}
	return nil
}

func parsePair(pair string) (name, value string, err error) {
	rawName, rawValue, _ := strings.Cut(pair, "=")
	if name, err = unescape(rawName); err != nil {
		return "", "", err
	}
	if value, err = unescape(rawValue); err != nil {
		return "", "", err
	}
	if name == "" {
		return "", "", invalidForm("unnamed_parameter", "the body has a parameter without a name")
	}
	if strings.ContainsAny(name, "[]") {
		return "", "", invalidForm("bracketed_parameter", "array parameters are not supported: put the values into one parameter, as in scope=read+write, or repeat resource")
	}
	return name, value, nil
}

func unescape(s string) (string, error) {
	u, err := url.QueryUnescape(s)
	if err != nil {
		return "", invalidForm("malformed_escape", "the body is not valid application/x-www-form-urlencoded: a percent escape is malformed").Because(err)
	}
	if !utf8.ValidString(u) {
		return "", invalidForm("invalid_utf8", "a parameter is not valid UTF-8 (RFC 6749 appendix B)")
	}
	if strings.ContainsRune(u, 0) {
		return "", invalidForm("nul", "a parameter holds a NUL character")
	}
	return u, nil
}

func invalidForm(reason, description string) *Error {
	return Fail(InvalidRequest, reason, description)
}
