package oauth

import (
	"errors"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"
)

// charset is the charset of a form, after its escapes are decoded.
type charset int

const (
	inUTF8   charset = iota
	inLatin1         // ISO-8859-1: a byte is the code point of the same number
	inASCII          // the characters that any other charset has in common with UTF-8
)

// formCharset reads a Content-Type, which must be that of a form.
//
// RFC 6749 appendix B requires UTF-8. Clients that name another charset (Apache HttpClient names
// ISO-8859-1) mostly send ASCII, which is the same bytes in nearly all charsets.
func formCharset(contentType string) (charset, error) {
	if contentType == formMediaType {
		return inUTF8, nil // as nearly every client writes it: parsing it takes longer than the rest of a form
	}
	// Upper and lower case are the same in the media type, the name of the parameter (RFC 9110
	// §8.3.1) and the name of a charset (RFC 2978 §2.3), so "charset=UTF-8; charset=utf-8" is one
	// charset.
	mediaType, params, err := mime.ParseMediaType(strings.ToLower(contentType))
	if err != nil {
		return 0, invalidForm("content_type", "the Content-Type header is malformed: write application/x-www-form-urlencoded alone")
	}
	if mediaType != formMediaType {
		return 0, invalidForm("content_type", "the "+Quote("content type", mediaType)+" is not supported: it must be application/x-www-form-urlencoded")
	}
	name, given := params["charset"]
	if !given {
		return inUTF8, nil
	}
	name = strings.Trim(name, "' ") // some clients send single quotes, which do not quote in a header
	switch {
	case name == "utf-8" || name == "utf8":
		return inUTF8, nil
	case slices.Contains(latin1Names(), name):
		return inLatin1, nil
	case isOtherThanASCII(name):
		return 0, invalidForm("charset", "in the charset that the content type names, ASCII is not ASCII: send the form in UTF-8")
	}
	return inASCII, nil
}

// latin1Names returns the names of ISO-8859-1 in IANA's registry, and common misspellings.
func latin1Names() []string {
	return []string{"iso-8859-1", "iso8859-1", "iso88591", "iso_8859-1", "iso_8859-1:1987", "iso-ir-100", "latin1", "latin-1", "l1", "ibm819", "cp819", "csisolatin1"}
}

// isOtherThanASCII reports whether bytes below 0x80 mean something else in the charset than in
// ASCII: in charsets with several bytes per character, with shifts, and in EBCDIC.
func isOtherThanASCII(name string) bool {
	return slices.ContainsFunc([]string{
		"utf-16", "utf16", "utf-32", "utf32", "utf-7", "utf7", "ucs-", "ucs2", "ucs4", "unicode", "csunicode", "csucs", "csutf16", "csutf32", "csutf7", "iso-10646", "csiso10646",
		"scsu", "bocu", "iso-2022-", "csiso2022", "iso2022", "hz", "ebcdic", "csebcdic", "cp037", "ibm037", "ibm-037", "ibm1047", "ibm-1047", "cp1047", "ibm500", "cp500",
	}, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// text decodes bytes as text. Its errors say what to do.
func (c charset) text(s string) (string, error) {
	ascii := isASCII(s)
	switch {
	case ascii:
		return s, nil
	case c == inASCII:
		return "", invalidForm("charset", "a parameter contains more than ASCII, in a charset that is neither UTF-8 nor ISO-8859-1: send the form in UTF-8")
	case c == inUTF8 && utf8.ValidString(s):
		return s, nil
	case c == inUTF8:
		return "", invalidForm("invalid_utf8", "a parameter is not valid UTF-8 (RFC 6749 appendix B)")
	}
	text, err := latin1(s)
	if err != nil {
		return "", invalidForm("charset", "a parameter is in a charset that only resembles ISO-8859-1: send the form in UTF-8").Because(err)
	}
	return text, nil
}

// latin1 decodes ISO-8859-1. It refuses the bytes from 0x80 to 0x9f, because they have two
// meanings: they are control characters there, and letters in windows-1252, which browsers use
// under the name of ISO-8859-1.
func latin1(s string) (string, error) {
	runes := make([]rune, 0, len(s))
	for i := range len(s) {
		if s[i] >= 0x80 && s[i] <= 0x9f {
			return "", errors.New("a byte from 0x80 to 0x9f")
		}
		runes = append(runes, rune(s[i]))
	}
	return string(runes), nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
