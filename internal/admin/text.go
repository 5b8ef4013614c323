package admin

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Field names a field of an input in snake_case, as the JSON of its noun does: "scopes". A
// member of a list goes by its number: "scopes[0]".
type Field string

// Top is the field itself, without the member of it.
func (f Field) Top() Field {
	top, _, _ := strings.Cut(string(f), "[")
	return Field(top)
}

func (f Field) at(n int) Field { return f + Field("["+strconv.Itoa(n)+"]") }

// Setting names a setting of the server, as its configuration file does: "clock-skew".
type Setting string

// Operation is an operation that a text recommends: a noun, a verb, and the id; "": any.
type Operation struct {
	Noun, Verb, ID string
	Field          Field  // one to give with it; "": none
	Value          string // of the field
}

func (o Operation) with(field Field, value string) Operation {
	o.Field, o.Value = field, value
	return o
}

// Values are values of a field that a text offers.
type Values []string

// Names are the names of an interface, such as the command line, for what texts mention.
type Names interface {
	Field(f Field) string
	Value(v string) string
	Setting(s Setting) string
	Operation(o Operation) string
	Duration(d time.Duration) string
}

// Text is a sentence for a person. Each interface fills in its own names.
type Text struct {
	format string
	args   []any
}

// worded is a value that contains a text, such as an error within another.
type worded interface{ In(n Names) string }

// In is the text with the names of an interface.
func (t Text) In(n Names) string {
	args := make([]any, len(t.args))
	for i, arg := range t.args {
		switch arg := arg.(type) {
		case Field:
			args[i] = n.Field(arg)
		case []Field:
			args[i] = either(arg, n)
		case Values:
			said := make([]string, len(arg))
			for v, value := range arg {
				said[v] = n.Value(value)
			}
			args[i] = strings.Join(said, ", ")
		case Setting:
			args[i] = n.Setting(arg)
		case Operation:
			args[i] = n.Operation(arg)
		case time.Duration:
			args[i] = n.Duration(arg)
		case worded:
			args[i] = arg.In(n)
		default:
			args[i] = arg
		}
	}
	return fmt.Sprintf(t.format, args...)
}

// either says "a, b or c".
func either(fields []Field, n Names) string {
	var said strings.Builder
	for i, f := range fields {
		switch {
		case i == 0:
		case i == len(fields)-1:
			said.WriteString(" or ")
		default:
			said.WriteString(", ")
		}
		said.WriteString(n.Field(f))
	}
	return said.String()
}

// String is the text with the names of this package.
func (t Text) String() string { return t.In(ownNames{}) }

// MarshalText is String.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// mentions returns the fields in the text.
func (t Text) mentions() []Field {
	var fields []Field
	for _, arg := range t.args {
		switch arg := arg.(type) {
		case Field:
			fields = append(fields, arg)
		case []Field:
			fields = append(fields, arg...)
		}
	}
	return fields
}

// ownNames are the names of this package.
type ownNames struct{}

func (ownNames) Field(f Field) string            { return string(f) }
func (ownNames) Value(v string) string           { return v }
func (ownNames) Setting(s Setting) string        { return string(s) }
func (ownNames) Duration(d time.Duration) string { return d.String() }
func (ownNames) Operation(o Operation) string {
	return strings.TrimSpace(o.Noun + " " + o.Verb + " " + string(o.Field))
}
