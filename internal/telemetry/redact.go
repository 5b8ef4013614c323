package telemetry

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Redacted stands in the log in the place of a secret.
const Redacted = "[redacted]"

// tokenShape finds JWTs (RFC 7519 §3: a header and a payload that are JSON
// objects in base64url) and refresh tokens of ours in longer text, such as an
// error from a library.
var tokenShape = regexp.MustCompile(`\b(?:eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){2,4}|art_[A-Za-z0-9_-]{16,})`)

// secretNames are the ends of attribute names whose values are secret, in lower
// case and without separators: client_secret, Client-Secret and clientSecret end
// in "secret".
func secretNames() [17]string {
	return [...]string{
		"authorization", "cookie", "password", "passwd", "passphrase", "secret", "token", "assertion", "jwt",
		"credential", "credentials", "privatekey", "masterkey", "datakey", "passwordhash", "secrethash", "databaseurl",
	}
}

// redact is the ReplaceAttr of the log. It hides the value of an attribute, and
// of all within a group, whose name ends like a secret's; headers and forms field
// by field; and tokens in text, the message among it. It is the second line of
// defence: the first is not to log a secret.
func redact(groups []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindBool, slog.KindInt64, slog.KindUint64, slog.KindFloat64, slog.KindDuration, slog.KindTime:
		return a // has_password=true and tokens=3 tell nothing
	default:
	}
	if secret(a.Key) {
		return slog.String(a.Key, Redacted)
	}
	for _, group := range groups {
		if secret(group) {
			return slog.String(a.Key, Redacted)
		}
	}
	if a.Value.Kind() == slog.KindString {
		return slog.String(a.Key, withoutTokens(a.Value.String()))
	}
	switch v := a.Value.Any().(type) {
	case error:
		return slog.String(a.Key, withoutTokens(v.Error()))
	case http.Header:
		return slog.Any(a.Key, withoutSecrets(v))
	case url.Values:
		return slog.Any(a.Key, withoutSecrets(v))
	}
	return a
}

// secret reports whether an attribute of this name may hold a secret. It runs
// for every attribute of every line, and allocates nothing.
func secret(name string) bool {
	var plain [16]byte // the end of the name, which is all that counts
	at := len(plain)
	for i := len(name) - 1; i >= 0 && at > 0; i-- {
		c := name[i]
		switch {
		case c == '_' || c == '-' || c == '.':
			continue
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		at--
		plain[at] = c
	}
	for _, end := range secretNames() {
		if bytes.HasSuffix(plain[at:], []byte(end)) {
			return true
		}
	}
	return false
}

func withoutTokens(s string) string {
	if !strings.Contains(s, "eyJ") && !strings.Contains(s, "art_") {
		return s // nearly always, and far faster than the expression
	}
	return tokenShape.ReplaceAllString(s, Redacted)
}

func withoutSecrets(fields map[string][]string) map[string][]string {
	safe := make(map[string][]string, len(fields))
	for name, values := range fields {
		if secret(name) {
			safe[name] = []string{Redacted}
			continue
		}
		for _, v := range values {
			safe[name] = append(safe[name], withoutTokens(v))
		}
	}
	return safe
}
