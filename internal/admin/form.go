package admin

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// form sets the fields of one input and collects their faults. A nil or wrong field keeps the
// present value.
type form struct {
	faults Faults
	err    error // an error that prevented a check, such as a database that is down
}

func (f *form) fault(field Field, code Code, format string, args ...any) {
	fault := Fault{field, code, Text{format, args}}
	if fault.between() && slices.ContainsFunc(append(fault.Text.mentions(), field), f.wrong) {
		return // it follows from another fault, and may disappear with it
	}
	f.faults = append(f.faults, fault)
}

// wrong reports whether a field is wrong on its own, and was therefore not set.
func (f *form) wrong(field Field) bool {
	return slices.ContainsFunc(f.faults, func(fault Fault) bool { return !fault.between() && fault.Field.Top() == field.Top() })
}

// between reports whether a fault is one between fields.
func (f Fault) between() bool { return f.Code == CodeConflict || f.Code == CodeRequired }

// fail keeps the first error that prevented a check.
func (f *form) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

// result is nil if the input is valid and was checked in full.
func (f *form) result() error {
	switch {
	case f.err != nil:
		return f.err
	case len(f.faults) > 0:
		return f.faults
	}
	return nil
}

// set sets a value without a check.
func set[T any](to, value *T) {
	if value != nil {
		*to = *value
	}
}

// setText sets a text of one line.
func (f *form) setText(field Field, to, value *string, longest int) {
	if value != nil && f.checkText(field, *value, longest) {
		*to = *value
	}
}

func (f *form) checkText(field Field, text string, longest int) bool {
	switch {
	case len(text) > longest:
		f.fault(field, CodeTooLong, "it is longer than %d bytes", longest)
	case !store.IsLine(text):
		f.fault(field, CodeInvalid, "it contains control characters or is not valid UTF-8")
	default:
		return true
	}
	return false
}

// setWords sets roles, permissions and the like, each once.
func (f *form) setWords(field Field, to *[]string, values []string) {
	if values == nil || !f.checkCount(field, len(distinct(values))) {
		return
	}
	before := len(f.faults)
	for n, word := range values {
		if word == "" {
			f.fault(field.at(n), CodeInvalid, "a value is empty")
			continue
		}
		f.checkText(field.at(n), word, maxText)
	}
	if len(f.faults) == before {
		*to = distinct(values)
	}
}

func (f *form) checkCount(field Field, count int) bool {
	if count > maxListed {
		f.fault(field, CodeTooMany, "there are %d values, more than %d", count, maxListed)
	}
	return count <= maxListed
}

// setScopes sets scopes of the form of RFC 6749 §3.3. No scope is the nil Scope.
func (f *form) setScopes(field Field, to *oauth.Scope, values []string) {
	if values == nil {
		return
	}
	before := len(f.faults)
	for n, value := range values {
		if _, err := oauth.NewScope(value); err != nil {
			f.fault(field.at(n), CodeInvalid, "%v", err)
		}
	}
	if len(f.faults) > before {
		return
	}
	scope, err := oauth.NewScope(values...)
	if err != nil {
		f.fault(field, CodeInvalid, "%v", err)
		return
	}
	*to = scope
}

// setOne sets one of the known values.
func setOne[T ~string](f *form, field Field, to, value *T, known []T) {
	if value != nil && f.checkKnown(field, string(*value), texts(known)) {
		*to = *value
	}
}

// setOptional is setOne for a value that may also be "" (none).
func setOptional[T ~string](f *form, field Field, to, value *T, known []T) {
	if value != nil && *value == "" {
		*to = ""
		return
	}
	setOne(f, field, to, value, known)
}

// setKnown sets known values, each once. No value is nil.
func setKnown[T ~string](f *form, field Field, to *[]T, values, known []T) {
	if values == nil {
		return
	}
	before := len(f.faults)
	for n, value := range values {
		f.checkKnown(field.at(n), string(value), texts(known))
	}
	switch {
	case len(f.faults) > before:
	case len(values) == 0:
		*to = nil
	default:
		*to = distinct(values)
	}
}

func (f *form) checkKnown(field Field, value string, known []string) bool {
	there := slices.Contains(known, value)
	if !there {
		f.fault(field, CodeUnsupported, "%q is not known: choose from %s", value, Values(known))
	}
	return there
}

// setTTL sets a lifetime in whole seconds, because tokens and answers use seconds.
func (f *form) setTTL(field Field, to, ttl *time.Duration) {
	switch {
	case ttl == nil:
	case *ttl <= 0 || *ttl%time.Second != 0:
		f.fault(field, CodeInvalid, "it is %s and has to be a positive number of whole seconds", *ttl)
	default:
		*to = *ttl
	}
}

// setClaims sets custom claims. It refuses names that only the server sets, and more than a token
// can contain.
func (f *form) setClaims(to *map[string]any, claims map[string]any) {
	if claims == nil {
		return
	}
	const field Field = "claims"
	before := len(f.faults)
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		switch {
		case name == "":
			f.fault(field, CodeInvalid, "a claim has no name")
		case tokens.Reserved(name):
			f.fault(field, CodeInvalid, "%q is set by this server and cannot be a custom claim: choose another name", name)
		default:
			f.checkText(field, name, maxText)
		}
	}
	encoded, err := json.Marshal(claims)
	switch {
	case err != nil:
		f.fault(field, CodeInvalid, "%v", err)
	case len(encoded) > maxClaimsBytes:
		f.fault(field, CodeTooLong, "the custom claims are %d bytes of JSON, more than %d: a token has to fit into a header", len(encoded), maxClaimsBytes)
	}
	if len(f.faults) == before {
		*to = claims
	}
}

func texts[T ~string](values []T) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	return texts
}
