package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// DecodeDocument reads the document of a noun into one that has no document yet. A field
// that is not known, or a value of another type, is an error: to go on without it could let
// in what was refused. Numbers in claims become json.Number.
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

// plain reports whether nothing in a document can be read by encoding/json as something else
// than it says: it takes null for any type, and "Scopes" for "scopes".
func plain(document []byte) bool {
	for i, c := range document {
		switch {
		case c >= 0x80, c == '\\', c == 'n' && bytes.HasPrefix(document[i:], []byte("null")):
			return false
		case c == '"' && i+1 < len(document) && 'A' <= document[i+1] && document[i+1] <= 'Z':
			return false
		}
	}
	return document[0] == '{'
}

// complete compares a document with what was read of it. Nearly always there is no need to.
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

// CanonicalJSON writes JSON without blanks and with the members of each object in order, so
// that equal values have equal texts whatever an engine made of them.
func CanonicalJSON(text []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}
