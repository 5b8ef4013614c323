package oauth

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

const formMediaType = "application/x-www-form-urlencoded"

// Bounds on a form.
const (
	MaxFormBytes  = 64 << 10
	MaxFormFields = 50
)

// Form is a parsed request body in which every parameter appears at most once (RFC 6749 §3.2),
// except "resource" (RFC 8707 §2) and "audience" (RFC 8693 §2.1), which mean the same here.
type Form struct {
	values    map[string]string // "": the parameter has no value, and counts as absent
	resources []string
}

// ParseForm reads a body of type application/x-www-form-urlencoded. It refuses everything that a
// lenient parser would have to guess at: another content type, bad escapes, text that is not in the
// charset, NUL, a repeated or unnamed parameter, a PHP-style array. The charset is UTF-8 or
// ISO-8859-1; a form in ASCII may name any charset that contains ASCII. A parameter without a value
// counts as absent (RFC 6749 §3.2), and so does an empty part between two ampersands.
func ParseForm(contentType, body string) (Form, error) {
	charset, err := formCharset(contentType)
	if err != nil {
		return Form{}, err
	}
	if len(body) > MaxFormBytes {
		return Form{}, invalidForm("body_too_large", fmt.Sprintf("the body is larger than %d bytes", MaxFormBytes))
	}
	return parsePairs(body, charset)
}

// ParseQuery reads the query of an authorization request (RFC 6749 §3.1), as strictly as
// [ParseForm] reads a body in UTF-8. The caller bounds its length.
func ParseQuery(query string) (Form, error) { return parsePairs(query, inUTF8) }

// AddQuery adds parameters to a URI without a fragment, and changes nothing else in it.
func AddQuery(uri, parameters string) string {
	switch {
	case !strings.Contains(uri, "?"):
		return uri + "?" + parameters
	case strings.HasSuffix(uri, "?"), strings.HasSuffix(uri, "&"):
		return uri + parameters
	}
	return uri + "&" + parameters
}

func parsePairs(text string, charset charset) (Form, error) {
	form := Form{values: make(map[string]string)}
	if n := strings.Count(text, "&") + 1; n > MaxFormFields { // empty ones too
		return Form{}, invalidForm("too_many_fields", fmt.Sprintf("the request has more than %d parameters", MaxFormFields))
	}
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, err := parsePair(pair, charset)
		if err != nil {
			return Form{}, err
		}
		if name == "resource" || name == "audience" {
			if err := form.addResources(value); err != nil {
				return Form{}, err
			}
			continue
		}
		if _, again := form.values[name]; again {
			return Form{}, invalidForm("repeated_parameter", repeated(name)+": send it once (RFC 6749 section 3.2)")
		}
		form.values[name] = value
	}
	return form, nil
}

// Get returns the parameter's value, or "" if it is absent.
func (f Form) Get(name string) string { return f.values[name] }

// Has reports whether the parameter is present with a value.
func (f Form) Has(name string) bool { return f.values[name] != "" }

// Resources returns the resources of "resource" and "audience" in their order, each once.
func (f Form) Resources() []string { return f.resources }

// addResources adds one resource, or several with spaces between them, as clients of Ory Hydra send
// them: no identifier contains a space.
func (f *Form) addResources(value string) error {
	for id := range strings.SplitSeq(value, " ") {
		if id == "" || slices.Contains(f.resources, id) {
			continue
		}
		if err := CheckResource(id); err != nil {
			return Fail(InvalidTarget, "resource_malformed", err.Error())
		}
		if len(f.resources) == MaxResources {
			return Fail(InvalidTarget, "too_many_resources", fmt.Sprintf("more than %d resources in one request", MaxResources))
		}
		f.resources = append(f.resources, id)
	}
	return nil
}

func parsePair(pair string, charset charset) (name, value string, err error) {
	rawName, rawValue, _ := strings.Cut(pair, "=")
	if name, err = unescape(rawName, charset); err != nil {
		return "", "", err
	}
	if value, err = unescape(rawValue, charset); err != nil {
		return "", "", err
	}
	if name == "" {
		return "", "", invalidForm("unnamed_parameter", "the request has a parameter without a name")
	}
	if strings.ContainsAny(name, "[]") {
		return "", "", invalidForm("bracketed_parameter", "array parameters are not supported: put the values into one parameter, as in scope=read+write, or repeat resource")
	}
	return name, value, nil
}

func unescape(s string, charset charset) (string, error) {
	u, err := url.QueryUnescape(s)
	if err != nil { // the error quotes what may be a part of a secret
		return "", invalidForm("malformed_escape", "the request is not valid application/x-www-form-urlencoded: a percent escape is malformed")
	}
	if u, err = charset.text(u); err != nil {
		return "", err
	}
	if strings.ContainsRune(u, 0) {
		return "", invalidForm("nul", "a parameter contains a NUL character")
	}
	return u, nil
}

// repeated returns the name of a repeated parameter if an RFC defines it: another name may be a
// part of a secret that was not escaped.
func repeated(name string) string {
	switch name {
	case "grant_type", "scope", "client_id", "client_secret", "client_assertion", "client_assertion_type", "username", "password", "refresh_token",
		"assertion", "token", "token_type_hint", "subject_token", "subject_token_type", "actor_token", "actor_token_type", "requested_token_type", "dpop_jkt",
		"response_type", "response_mode", "redirect_uri", "state", "nonce", "prompt", "max_age", "code_challenge", "code_challenge_method",
		"login_hint", "id_token_hint", "post_logout_redirect_uri", "logout_hint", "acr_values", "ui_locales", "display", "claims", "request", "request_uri", "code_verifier":
		return "the " + Quote("parameter", name) + " is repeated"
	}
	return "a parameter is repeated"
}

func invalidForm(reason, description string) *Error {
	return Fail(InvalidRequest, reason, description)
}
