package keyfiles

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

const byteOrderMark = "\xef\xbb\xbf"

// Text returns the content of a file without the byte order mark with which some editors begin
// text, because the mark is never part of a key, a secret or a setting. Bytes that are not text are
// returned unchanged. Text in UTF-16 is refused, because no format here uses it.
func Text(data []byte) ([]byte, error) {
	if isUTF16(data) {
		return nil, errors.New("it is text in UTF-16, as PowerShell writes it with >: save it as UTF-8")
	}
	if text, marked := bytes.CutPrefix(data, []byte(byteOrderMark)); marked && utf8.Valid(text) {
		return text, nil
	}
	return data, nil
}

// isUTF16 reports whether data begins with the mark of UTF-16 and has a zero in each pair of bytes,
// as UTF-16 text has, except for letters of other alphabets.
func isUTF16(data []byte) bool {
	const enough = 32
	var zero int // the position in a pair
	switch {
	case len(data) < 4 || len(data)%2 != 0:
		return false
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		zero = 1
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		zero = 0
	default:
		return false
	}
	for i := 2; i < min(len(data), enough); i += 2 {
		if data[i+zero] != 0 {
			return false
		}
	}
	return true
}
