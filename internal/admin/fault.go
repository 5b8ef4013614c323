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
	CodeRequired    Code = "required"    // it has to be given
	CodeInvalid     Code = "invalid"     // it is malformed, out of its range, or not for an administrator to set
	CodeUnsupported Code = "unsupported" // it is none of those that are known
	CodeTooLong     Code = "too_long"
	CodeTooShort    Code = "too_short"
	CodeTooMany     Code = "too_many"
	CodeConflict    Code = "conflict"  // it does not go together with another field or with what is there
	CodeNotFound    Code = "not_found" // it names what is not registered
	CodeExists      Code = "exists"    // it is taken
	CodeUnused      Code = "unused"    // a warning: it is registered, and nothing comes of it
)

// Fault is what is wrong with one field of an input or, as a warning, what is allowed and
// hardly meant.
type Fault struct {
	Field Field `json:"field"` // "": the whole
	Code  Code  `json:"code"`
	Text  Text  `json:"text"`
}

// newFault is a fault by itself, or a warning.
func newFault(field Field, code Code, format string, args ...any) Fault {
	return Fault{field, code, Text{format, args}}
}

// In is the fault with the names of a door.
func (f Fault) In(n Names) string {
	if f.Field == "" {
		return f.Text.In(n)
	}
	return n.Field(f.Field) + ": " + f.Text.In(n)
}

// Faults are all that is wrong with an input, in the order of its fields. They are an error
// in what was asked for: nothing was changed.
type Faults []Fault

// In has a line for each fault, with the names of a door.
func (f Faults) In(n Names) string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.In(n)
	}
	return strings.Join(lines, "\n")
}

func (f Faults) Error() string { return f.In(ownNames{}) }

// Failure is an operation that could not be done because of what is there, however well it
// was asked for. It wraps an error of the store, such as [store.ErrNotFound].
type Failure struct {
	Code  Code
	Text  Text
	cause error
}

// In is the failure with the names of a door.
func (f *Failure) In(n Names) string { return f.Text.In(n) }

func (f *Failure) Error() string { return f.Text.String() }
func (f *Failure) Unwrap() error { return f.cause }

func failure(cause error, code Code, format string, args ...any) error {
	return &Failure{Code: code, Text: Text{format, args}, cause: cause}
}

// missing says that a row is not there, and how to see those that are.
func missing(noun, id string) error {
	return failure(store.ErrNotFound, CodeNotFound, "%s %q %v: %v shows those there are", noun, id, store.ErrNotFound, Operation{Noun: noun, Verb: "list"})
}

// explain turns what the store answered to a read or a change of a row into
// words; what was read before it was changed may be gone or different.
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

// IsMissing reports whether an error says that what was named is not there.
func IsMissing(err error) bool { return errors.Is(err, store.ErrNotFound) }

// IsTaken reports whether an error says that the name of what was to be created is taken.
func IsTaken(err error) bool { return errors.Is(err, store.ErrExists) }
