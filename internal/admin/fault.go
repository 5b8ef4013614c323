package admin

import (
	"errors"
	"fmt"
	"strings"

	"authserver/internal/store"
)

// Code is the kind of a fault, for programs. Codes are stable.
type Code string

// The codes.
const (
	CodeRequired    Code = "required"    // it is missing
	CodeInvalid     Code = "invalid"     // it is malformed, out of its range, or not for an administrator to set
	CodeUnsupported Code = "unsupported" // it is unknown
	CodeTooLong     Code = "too_long"
	CodeTooShort    Code = "too_short"
	CodeTooMany     Code = "too_many"
	CodeConflict    Code = "conflict"  // it contradicts another field or the present value
	CodeNotFound    Code = "not_found" // it names something that is not registered
	CodeExists      Code = "exists"    // it is taken
	CodeUnused      Code = "unused"    // a warning: it is registered, and has no effect
)

// Fault is a fault of one field of an input or, as a warning, a value that is allowed but probably
// not intended.
type Fault struct {
	Field Field `json:"field"` // "": the whole
	Code  Code  `json:"code"`
	Text  Text  `json:"text"`
}

// newFault makes a fault of a field on its own, or a warning.
func newFault(field Field, code Code, format string, args ...any) Fault {
	return Fault{field, code, Text{format, args}}
}

// In is the fault with the names of an interface.
func (f Fault) In(n Names) string {
	if f.Field == "" {
		return f.Text.In(n)
	}
	return n.Field(f.Field) + ": " + f.Text.In(n)
}

// Faults are all faults of an input, in the order of its fields. Nothing was changed.
type Faults []Fault

// In has a line for each fault, with the names of an interface.
func (f Faults) In(n Names) string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.In(n)
	}
	return strings.Join(lines, "\n")
}

func (f Faults) Error() string { return f.In(ownNames{}) }

// Failure is an operation that could not be done because of the state of the database, although the
// input was valid. It wraps an error of the store, such as [store.ErrNotFound].
type Failure struct {
	Code  Code
	Text  Text
	cause error
}

// In is the failure with the names of an interface.
func (f *Failure) In(n Names) string { return f.Text.In(n) }

func (f *Failure) Error() string { return f.Text.String() }
func (f *Failure) Unwrap() error { return f.cause }

func failure(cause error, code Code, format string, args ...any) error {
	return &Failure{Code: code, Text: Text{format, args}, cause: cause}
}

// missing says that a row does not exist, and how to list those that do.
func missing(noun, id string) error {
	return failure(store.ErrNotFound, CodeNotFound, "%s %q %v: %v shows those there are", noun, id, store.ErrNotFound, Operation{Noun: noun, Verb: "list"})
}

// explain turns an error of the store, for a read or a change of a row, into words. The row may
// have been deleted or changed since it was read.
func explain(noun, id string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return missing(noun, id)
	case errors.Is(err, store.ErrConflict):
		return failure(err, CodeConflict, "%s %q was %v: try again", noun, id, store.ErrConflict)
	case errors.Is(err, store.ErrExists):
		return failure(err, CodeExists, "%s %q %v: %v changes it", noun, id, store.ErrExists, Operation{Noun: noun, Verb: "update"})
	}
	return fmt.Errorf("%s %q: %w", noun, id, err)
}

// IsMissing reports whether an error says that the named row does not exist.
func IsMissing(err error) bool { return errors.Is(err, store.ErrNotFound) }

// IsTaken reports whether an error says that the name of what was to be created is taken.
func IsTaken(err error) bool { return errors.Is(err, store.ErrExists) }
