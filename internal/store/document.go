package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// A client, a user, a resource and an issuer are kept as their identity, their version, the
// columns that SQL searches, joins or compares, and one JSON document of everything else: a
// field with the tag "-" is a column. A field that is added later is missing in older rows,
// and is then zero.

// EncodeDocument writes the document of a noun.
func EncodeDocument(noun any) (string, error) {
	text, err := json.Marshal(noun)
	if err != nil {
		return "", fmt.Errorf("write the document of a row: %w", err)
	}
	return string(text), nil
}

// DecodeDocument reads the document of a noun into one that has no document yet. A field that is
// not known, or a value of another type, is an error: ignoring it could accept what a newer server
// refuses. Numbers in claims become json.Number.
func DecodeDocument(document []byte, noun any) error {
	if string(document) == "{}" {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	decoder.UseNumber() // a float64 would cut large integers
	if err := decoder.Decode(noun); err != nil {
		return fmt.Errorf("read the document: %w: a newer server may have written it", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("read the document: something follows it")
	}
	if plain(document) {
		return nil
	}
	return complete(document, noun)
}

// plain reports whether encoding/json can only have read a document, which is valid JSON, as it
// stands. It takes null for any type, and a name in other letters for a field's, such as
// "Scopes" or "\u017fcopes" for "scopes". Texts may say anything.
func plain(document []byte) bool {
	if document[0] != '{' {
		return false
	}
	for i := 0; i < len(document); i++ {
		switch document[i] {
		case 'n': // of null: texts are passed over, and true and false have none
			return false
		case '"':
			text := document[i+1:]
			end := endOfText(text)
			if isName(text[end+1:]) && bytes.ContainsFunc(text[:end], folds) {
				return false
			}
			i += end + 1
		}
	}
	return true
}

// endOfText returns the position of the quotation mark that ends a text, which begins after one.
func endOfText(text []byte) int {
	for i := 0; ; i++ {
		switch text[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
}

// isName reports whether the text before was the name of a member.
func isName(after []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(after, " \t\r\n"), []byte(":"))
}

// folds reports whether a name with this letter can match a field that is not named so.
func folds(letter rune) bool {
	return 'A' <= letter && letter <= 'Z' || letter == '\\' || letter >= utf8.RuneSelf
}

// complete compares a document with the value that was read from it. This is rarely necessary.
func complete(document []byte, noun any) error {
	read, err := json.Marshal(noun)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	was, err := CanonicalJSON(document)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	is, err := CanonicalJSON(read)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	if !bytes.Equal(was, is) {
		return errors.New("read the document: a value in it has another type than its field, or another name")
	}
	return nil
}

// CanonicalJSON writes JSON without blanks and with the members of each object in order, so that
// equal values have equal texts in both engines.
func CanonicalJSON(text []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}
