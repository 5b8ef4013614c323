package pkcs11

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

const scheme = "pkcs11:"

// URI names a key pair in a token (RFC 7512). It has only the attributes that distinguish key
// pairs. An empty attribute matches any value.
type URI struct {
	Token  string // label of the token
	Object string // CKA_LABEL of the key
	ID     []byte // CKA_ID of the key; at least one of Object and ID is set
	Type   string // private or public: either half identifies the pair
}

// ParseURI reads the attributes token, object, id and type (RFC 7512 §2.3). It refuses all others,
// because ignoring them could select a key that they exclude. It also refuses a query, because the
// library and the PIN are settings. No error contains a value.
//
// We do not use github.com/stefanberger/go-pkcs11uri: it has no release and no commit since 2023,
// does not tell which attributes a URI has, accepts characters that must be escaped, refuses
// type=data because of a typing error, and quotes values in its errors.
func ParseURI(s string) (URI, error) {
	rest, ok := strings.CutPrefix(s, scheme)
	if !ok {
		return URI{}, fmt.Errorf("a PKCS#11 URI begins with %q", scheme)
	}
	path, query, hasQuery := strings.Cut(rest, "?")
	if hasQuery {
		return URI{}, queryFault(query)
	}
	var u URI
	seen := map[string]bool{}
	for attribute := range strings.SplitSeq(path, ";") {
		name, value, ok := strings.Cut(attribute, "=")
		switch {
		case !ok:
			return URI{}, fmt.Errorf("a part of the PKCS#11 URI is not name=value: write it as pkcs11:token=LABEL;id=%%01%%02")
		case seen[name]: // RFC 7512 §2.3: each at most once
			return URI{}, fmt.Errorf("the PKCS#11 URI has the attribute %q twice", name)
		}
		seen[name] = true
		if err := u.set(name, value); err != nil {
			return URI{}, err
		}
	}
	if u.Object == "" && len(u.ID) == 0 {
		return URI{}, fmt.Errorf("the PKCS#11 URI names no key: give its id, its object (the label), or both")
	}
	return u, nil
}

func (u *URI) set(name, escaped string) error {
	switch name {
	case "token", "object", "id", "type":
	case "pin-value":
		return pinFault()
	default: // RFC 7512 §2.3: an unknown attribute must not be ignored
		return fmt.Errorf("the PKCS#11 URI has the attribute %q: a key is named by token, object, id and type alone", name)
	}
	value, err := unescape(escaped)
	switch {
	case err != nil:
		return fmt.Errorf("the attribute %q of the PKCS#11 URI %w", name, err)
	case len(value) == 0:
		return fmt.Errorf("the attribute %q of the PKCS#11 URI is empty: leave it out", name)
	case name == "id":
		u.ID = []byte(value)
		return nil
	case !utf8.ValidString(value): // RFC 7512 §2.3
		return fmt.Errorf("the attribute %q of the PKCS#11 URI is not UTF-8", name)
	}
	switch name {
	case "token":
		u.Token = value
	case "object":
		u.Object = value
	case "type":
		if value != "private" && value != "public" {
			return errors.New("the PKCS#11 URI names no key pair: its type may be private or public")
		}
		u.Type = value
	}
	return nil
}

func queryFault(query string) error {
	for attribute := range strings.SplitSeq(query, "&") {
		if strings.HasPrefix(attribute, "pin-value") {
			return pinFault()
		}
	}
	return fmt.Errorf("the PKCS#11 URI has a query: leave it out, the library and the PIN are settings")
}

func pinFault() error {
	return fmt.Errorf("the PKCS#11 URI holds a PIN: a URI is no secret, so take pin-value out of it, give the PIN as the setting that it is, and set a new one")
}

// String returns the URI in a form from which [ParseURI] reads the same again.
func (u URI) String() string {
	var parts []string
	if u.Token != "" {
		parts = append(parts, "token="+url.PathEscape(u.Token))
	}
	if u.Object != "" {
		parts = append(parts, "object="+url.PathEscape(u.Object))
	}
	if len(u.ID) > 0 { // RFC 7512 §2.3: all of an id should be percent-encoded
		parts = append(parts, "id=%"+strings.ReplaceAll(fmt.Sprintf("% X", u.ID), " ", "%"))
	}
	if u.Type != "" {
		parts = append(parts, "type="+u.Type)
	}
	return scheme + strings.Join(parts, ";")
}

// unescape reads a pk11-pchar sequence (RFC 7512 §2.3).
func unescape(escaped string) (string, error) {
	value, err := url.PathUnescape(escaped)
	if err != nil { // the cause quotes the value
		return "", errors.New("has a percent sign that two hexadecimal digits do not follow: write %25 for the sign itself")
	}
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%:[]@!$'()*+,=&"
	if strings.ContainsFunc(escaped, func(c rune) bool { return !strings.ContainsRune(allowed, c) }) {
		return "", errors.New("has a character that must be percent-encoded, as a space is %20")
	}
	return value, nil
}
