package postgres

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"authserver/internal/store"
)

// The encodings of values. A function makes the parameter, in a Go type whose PostgreSQL type pgx
// knows without asking the server (default_query_exec_mode=exec); a type scans the column.

// moment stores the zero Moment as NULL.
type moment struct{ to *store.Moment }

func orNever(m store.Moment) *time.Time {
	if m.IsZero() {
		return nil
	}
	m = store.At(m)
	return &m
}

// ScanTimestamptz implements pgtype.TimestamptzScanner.
func (m moment) ScanTimestamptz(v pgtype.Timestamptz) error {
	*m.to = store.Moment{}
	if v.Valid {
		*m.to = store.At(v.Time)
	}
	return nil
}

// duration stores a duration as whole microseconds.
type duration struct{ to *time.Duration }

// ScanInt64 implements pgtype.Int64Scanner.
func (d duration) ScanInt64(v pgtype.Int8) error {
	*d.to = time.Duration(v.Int64) * time.Microsecond
	return nil
}

// text stores the empty text as NULL, so that a unique column may be empty.
type text struct{ to *string }

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// ScanText implements pgtype.TextScanner.
func (t text) ScanText(v pgtype.Text) error {
	*t.to = v.String
	return nil
}

// list makes a text[] of v, {} if it is nil.
func list[S ~[]E, E ~string](v S) []string {
	texts := make([]string, len(v))
	for i, e := range v {
		texts[i] = string(e)
	}
	return texts
}

// listOrNull makes a text[] of v, NULL if it is nil.
func listOrNull[S ~[]E, E ~string](v S) []string {
	if v == nil {
		return nil
	}
	return list(v)
}

// array reads a text[], an empty one as nil.
type array[S ~[]E, E ~string] struct{ to *S }

// SetDimensions, ScanIndex and ScanIndexType implement pgtype.ArraySetter.
func (a array[S, E]) SetDimensions(dimensions []pgtype.ArrayDimension) error {
	*a.to = nil
	if len(dimensions) > 0 {
		*a.to = make(S, dimensions[0].Length)
	}
	return nil
}

func (a array[S, E]) ScanIndex(i int) any { return &(*a.to)[i] }
func (a array[S, E]) ScanIndexType() any  { return new(E) }

// asJSON is a parameter that is stored as JSON. In SQL it needs a cast.
type asJSON struct{ v any }

// Value implements driver.Valuer.
func (j asJSON) Value() (driver.Value, error) {
	b, err := json.Marshal(j.v)
	if err != nil {
		return nil, err
	}
	return string(b), nil
}

// elements makes a JSON array of v, [] if it is nil.
func elements[T any](v []T) asJSON {
	if v == nil {
		v = []T{}
	}
	return asJSON{v}
}

// members makes a JSON object of v, {} if it is nil.
func members[T any](v map[string]T) asJSON {
	if v == nil {
		v = map[string]T{}
	}
	return asJSON{v}
}

// document reads JSON, an empty array or object as nil.
type document[T any] struct{ to *T }

// ScanBytes implements pgtype.BytesScanner.
func (d document[T]) ScanBytes(v []byte) error {
	var none T
	*d.to = none
	if v == nil || string(v) == "[]" || string(v) == "{}" {
		return nil
	}
	return json.Unmarshal(v, d.to)
}

// rawJSON reads JSON unchanged.
type rawJSON struct{ to *json.RawMessage }

// ScanBytes implements pgtype.BytesScanner.
func (r rawJSON) ScanBytes(v []byte) error {
	*r.to = bytes.Clone(v)
	return nil
}

// familyID reads the bytea of a FamilyID.
type familyID struct{ to *store.FamilyID }

// ScanBytes implements pgtype.BytesScanner.
func (f familyID) ScanBytes(v []byte) error {
	if len(v) != len(f.to) {
		return fmt.Errorf("a family id is kept in %d bytes", len(v))
	}
	copy(f.to[:], v)
	return nil
}

// sessionID reads the bytea of a SessionID, and NULL as none.
type sessionID struct{ to *store.SessionID }

func idOrNull(id store.SessionID) []byte {
	if id.IsZero() {
		return nil
	}
	return id[:]
}

// ScanBytes implements pgtype.BytesScanner.
func (s sessionID) ScanBytes(v []byte) error {
	*s.to = store.SessionID{}
	if v != nil && copy(s.to[:], v) != len(v) {
		return fmt.Errorf("a session id is kept in %d bytes", len(v))
	}
	return nil
}

// hash reads the bytea of a SHA-256.
type hash struct{ to *[32]byte }

// ScanBytes implements pgtype.BytesScanner.
func (h hash) ScanBytes(v []byte) error {
	if len(v) != len(h.to) {
		return fmt.Errorf("a hash is kept in %d bytes", len(v))
	}
	copy(h.to[:], v)
	return nil
}

// orAbsent is a parameter that is stored as JSON, and NULL if it is zero. In SQL it needs a cast.
func orAbsent(v interface{ IsZero() bool }) any {
	if v.IsZero() {
		return nil
	}
	return asJSON{v}
}

// kept reads the document of a row. It comes after the ID, which an error names.
type kept struct {
	table string
	id    *string
	to    any
}

// ScanBytes implements pgtype.BytesScanner.
func (k kept) ScanBytes(v []byte) error {
	if err := store.DecodeDocument(v, k.to); err != nil {
		return fmt.Errorf("the row %q of %s: %w", *k.id, k.table, err)
	}
	return nil
}

// keeping is a parameter that is stored as a document. In SQL it needs a cast.
type keeping struct{ noun any }

// Value implements driver.Valuer.
func (k keeping) Value() (driver.Value, error) { return store.EncodeDocument(k.noun) }
