package sqlite

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"authserver/internal/store"
)

// The encodings of values other than integers, texts and blobs. A function makes the parameter; the
// type of the same name scans the column.

// moment stores a moment as whole microseconds since 1970, and the zero moment as NULL.
type moment struct{ to *store.Moment }

func micros(m store.Moment) any {
	if m.IsZero() {
		return nil
	}
	return m.UnixMicro()
}

func (m moment) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*m.to = store.Moment{}
	case int64:
		*m.to = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("a moment is kept as %T", src)
	}
	return nil
}

// duration stores a duration as whole microseconds.
type duration struct{ to *time.Duration }

func (d duration) Scan(src any) error {
	v, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a duration is kept as %T", src)
	}
	*d.to = time.Duration(v) * time.Microsecond
	return nil
}

// text stores the empty text as NULL, so that a unique column may be empty.
type text struct{ to *string }

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (t text) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*t.to = ""
	case string:
		*t.to = v
	default:
		return fmt.Errorf("a text is kept as %T", src)
	}
	return nil
}

// asJSON is a parameter that is stored as JSON.
type asJSON struct{ v any }

func (j asJSON) Value() (driver.Value, error) {
	b, err := json.Marshal(j.v)
	if err != nil {
		return nil, err
	}
	return string(b), nil
}

// list makes a JSON array of v, [] if it is nil.
func list[T any](v []T) any {
	if v == nil {
		v = []T{}
	}
	return asJSON{v}
}

// listOrNull makes a JSON array of v, NULL if it is nil.
func listOrNull[T any](v []T) any {
	if v == nil {
		return nil
	}
	return asJSON{v}
}

// array reads a JSON array or object, and an empty one as nil.
type array[T any] struct{ to *T }

func (a array[T]) Scan(src any) error {
	if src == "[]" || src == "{}" {
		src = nil
	}
	return nullable[T](a).Scan(src)
}

// nullable reads JSON unchanged, and NULL as nil.
type nullable[T any] struct{ to *T }

func (n nullable[T]) Scan(src any) error {
	var none T
	*n.to = none
	switch v := src.(type) {
	case nil:
		return nil
	case string:
		return json.Unmarshal([]byte(v), n.to)
	default:
		return fmt.Errorf("JSON is kept as %T", src)
	}
}

// rawJSON reads JSON unchanged.
type rawJSON struct{ to *json.RawMessage }

func (r rawJSON) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*r.to = nil
	case string:
		*r.to = json.RawMessage(v)
	default:
		return fmt.Errorf("JSON is kept as %T", src)
	}
	return nil
}

func blobOrNull(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// familyID reads the blob of a FamilyID.
type familyID struct{ to *store.FamilyID }

func (f familyID) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok || len(b) != len(f.to) {
		return fmt.Errorf("a family id is kept as %T of %d bytes", src, len(b))
	}
	copy(f.to[:], b)
	return nil
}

// sessionID reads the blob of a SessionID, and NULL as none.
type sessionID struct{ to *store.SessionID }

func idOrNull(id store.SessionID) any {
	if id.IsZero() {
		return nil
	}
	return id[:]
}

func (s sessionID) Scan(src any) error {
	*s.to = store.SessionID{}
	b, ok := src.([]byte)
	if src != nil && (!ok || copy(s.to[:], b) != len(b)) {
		return fmt.Errorf("a session id is kept as %T of %d bytes", src, len(b))
	}
	return nil
}

// hash reads the blob of a SHA-256.
type hash struct{ to *[32]byte }

func (h hash) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok || len(b) != len(h.to) {
		return fmt.Errorf("a hash is kept as %T of %d bytes", src, len(b))
	}
	copy(h.to[:], b)
	return nil
}

// orAbsent is a parameter that is stored as JSON, and NULL if it is zero.
func orAbsent(v interface{ IsZero() bool }) any {
	if v.IsZero() {
		return nil
	}
	return asJSON{v}
}

// members makes a JSON object of v, {} if it is nil.
func members[T any](v map[string]T) any {
	if v == nil {
		v = map[string]T{}
	}
	return asJSON{v}
}

// kept reads the document of a row. It comes after the ID, which an error names.
type kept struct {
	table string
	id    *string
	to    any
}

func (k kept) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("the row %q of %s: its document is kept as %T", *k.id, k.table, src)
	}
	if err := store.DecodeDocument([]byte(text), k.to); err != nil {
		return fmt.Errorf("the row %q of %s: %w", *k.id, k.table, err)
	}
	return nil
}

// keeping is a parameter that is stored as a document.
type keeping struct{ noun any }

// Value implements driver.Valuer.
func (k keeping) Value() (driver.Value, error) { return store.EncodeDocument(k.noun) }
