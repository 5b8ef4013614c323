package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"authserver/internal/admin"
	"authserver/internal/config"
	"authserver/internal/keys/keyfiles"
	"authserver/internal/store"
)

// names is how the command line calls what an administrator's operation mentions: a field is the
// flag or argument of the command that sets it, a setting its flag, and an operation the command
// line to type. The tag "field" of a flag names the field that it sets; without the tag its own
// name does.
type names struct {
	root    *kong.Node
	command *kong.Node      // which was run
	given   map[string]bool // flags by their names
}

// Field is the flag of a field. If there are several, it is the flag that was given.
func (n names) Field(f admin.Field) string {
	var all, given []string
	for _, s := range setters(n.command, f) {
		all = append(all, s.shown)
		if n.given[s.name] {
			given = append(given, s.shown)
		}
	}
	switch {
	case len(given) > 0:
		return strings.Join(given, " and ")
	case len(all) == 0:
		return string(f)
	case len(all) == 1:
		return all[0]
	}
	return strings.Join(all[:len(all)-1], ", ") + " or " + all[len(all)-1]
}

// Value is a value as it may be typed.
func (names) Value(v string) string { return strings.TrimPrefix(v, grantURN) }

// Setting is the flag of a setting.
func (names) Setting(s admin.Setting) string { return "--" + string(s) }

// Duration is a duration as it may be typed.
func (names) Duration(d time.Duration) string { return config.FormatDuration(d) }

// Operation is the command line of an operation.
func (n names) Operation(o admin.Operation) string {
	words := []string{n.root.Name, o.Noun, o.Verb}
	command := find(n.root, o.Noun, o.Verb)
	if o.ID != "" {
		for _, id := range append(setters(command, admin.Field(o.Noun+"_id")), setters(command, "id")...) {
			if strings.HasPrefix(id.shown, "--") { // else it is an argument
				words = append(words, id.shown)
			}
		}
		words = append(words, quote(o.ID))
	}
	for _, s := range setters(command, o.Field) {
		switch o.Value {
		case "":
			words = append(words, s.shown+" …")
		case "true":
			words = append(words, s.shown)
		case "false":
			words = append(words, s.shown+"=false")
		default:
			words = append(words, s.shown, quote(o.Value))
		}
	}
	return "`" + strings.Join(words, " ") + "`"
}

// setter is a flag or an argument that sets a field.
type setter struct{ name, shown string }

// setters are what of a command sets a field, or the member of one.
func setters(command *kong.Node, f admin.Field) []setter {
	if command == nil || f == "" {
		return nil
	}
	var found []setter
	for _, flag := range command.Flags {
		if !flag.Tag.Has("setting") && fieldOf(flag.Value) == f.Top() {
			found = append(found, setter{flag.Name, "--" + flag.Name})
		}
	}
	for _, argument := range command.Positional {
		if fieldOf(argument) == f.Top() {
			found = append(found, setter{argument.Name, argument.Summary()})
		}
	}
	return found
}

func fieldOf(v *kong.Value) admin.Field {
	if v.Tag.Has("field") {
		return admin.Field(v.Tag.Get("field"))
	}
	return admin.Field(strings.ReplaceAll(v.Name, "-", "_"))
}

// find returns a command by the words that lead to it.
func find(node *kong.Node, path ...string) *kong.Node {
	for _, word := range path {
		var next *kong.Node
		for _, child := range node.Children {
			if child.Name == word {
				next = child
			}
		}
		if next == nil {
			return nil
		}
		node = next
	}
	return node
}

// names are those of the command that runs. It reads the table of commands again, of which
// nothing is kept while a command runs.
func (p *process) names() (admin.Names, error) {
	parser, err := newParser(io.Discard, io.Discard, nil, func(int) {})
	if err != nil {
		return nil, err
	}
	return names{root: parser.Model.Node, command: find(parser.Model.Node, p.path...), given: p.given}, nil
}

// named is an error with the names of the command line.
func (p *process) named(err error) error {
	var mentions interface {
		error
		In(n admin.Names) string
	}
	var file *keyfiles.MismatchError
	var schema *store.SchemaError
	switch {
	case errors.As(err, &file):
		return reworded(err, file, file.In(inputFlag))
	case errors.As(err, &schema):
		return reworded(err, schema, schema.Error()+schemaHint(schema.MigrationStatus))
	case !errors.As(err, &mentions):
		return err
	}
	names, failed := p.names()
	if failed != nil {
		return errors.Join(err, failed)
	}
	return reworded(err, mentions, mentions.In(names))
}

// reworded is an error in which a part has another text.
func reworded(err, part error, text string) error {
	return &namedError{strings.Replace(err.Error(), part.Error(), text, 1), err}
}

// inputFlag is the flag for a kind of file. It is the same in every command.
func inputFlag(wanted keyfiles.Wanted) string {
	return map[keyfiles.Wanted]string{
		keyfiles.JWKSet: "--jwks-file", keyfiles.Certificate: "--certificate-file", keyfiles.Secret: "--secret-file",
	}[wanted]
}

// schemaHint says what to do about a schema that this binary cannot serve.
func schemaHint(s store.MigrationStatus) string {
	switch {
	case s.Dirty:
		return "; docs/migrations.md says how to mend the schema and then say so with authserver migrate force"
	case s.Version > s.Latest:
		return ": run the newer authserver, or take the schema back with its migrate down"
	}
	return ": run authserver migrate up, or serve without --no-migrate"
}

type namedError struct {
	text  string
	cause error
}

func (e *namedError) Error() string { return e.text }
func (e *namedError) Unwrap() error { return e.cause }

// warn prints the warnings of an operation.
func (p *process) warn(warnings []admin.Fault) {
	if len(warnings) == 0 {
		return
	}
	names, err := p.names()
	if err != nil {
		fmt.Fprintf(p.stderr, "authserver: %v\n", err)
		return
	}
	for _, w := range warnings {
		fmt.Fprintf(p.stderr, "authserver: warning: %s\n", w.In(names))
	}
}
