package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"authserver/internal/admin"
	"authserver/internal/config"
)

// Output is embedded by commands that list, show or make something.
type Output struct {
	Output string `short:"o" enum:"table,json" default:"table" placeholder:"table|json" help:"Format of the answer: table or json."`
}

// Existing is embedded by commands that register something.
type Existing struct {
	IfNotExists bool `help:"If it exists already, show it, change nothing and succeed."`
}

// register creates a thing and shows it. With --if-not-exists it shows the thing that exists
// instead, also one that another command creates between the look-up and the insertion.
func register[V any](p *process, e Existing, o Output, noun, name string, get func() (V, error), create func() error) error {
	if !e.IfNotExists {
		return create()
	}
	if done, err := shown(p, o, noun, name, get); done || err != nil {
		return err
	}
	taken := create()
	if !admin.IsTaken(taken) {
		return taken
	}
	if done, err := shown(p, o, noun, name, get); done || err != nil {
		return err
	}
	return taken // by another thing, such as a user with the same email
}

// shown shows a thing, and reports whether it exists.
func shown[V any](p *process, o Output, noun, name string, get func() (V, error)) (bool, error) {
	v, err := get()
	switch {
	case admin.IsMissing(err):
		return false, nil
	case err != nil:
		return false, err
	}
	p.report("%s %s exists already: nothing was changed", noun, name)
	return true, o.show(p.stdout, v)
}

// done prints the result of a change.
func (o Output) done(p *process, v any) error { return afterwards(o.show(p.stdout, v)) }

// afterwards says that the operation is done although its answer could not be printed.
func afterwards(err error) error {
	return unprinted("it is done, and the answer cannot be printed", err)
}

// unprinted is the error of a command whose answer is missed. It does not wrap a
// [readerGoneError], which would end the command without a word.
func unprinted(what string, err error) error {
	if err == nil {
		return nil
	}
	return errors.New(what + ": " + err.Error())
}

// readerGoneError is the error of standard output after the process that reads it has ended, as
// head does when it has enough. A command that only shows something ends quietly then.
type readerGoneError struct{ cause error }

func (e *readerGoneError) Error() string { return e.cause.Error() }
func (e *readerGoneError) Unwrap() error { return e.cause }

// once prints a client with its secret, and waits until the output is safe: the secret can be printed
// only once. If that fails, the change is not made, or is undone. The warnings come first, because the
// secret stands out as the last line.
func (p *process) once(o Output) admin.ShowSecret {
	return func(c admin.ClientWithSecret, warnings []admin.Fault) error {
		var answer bytes.Buffer
		if err := o.show(&printer{to: &answer, colour: p.stdout.colour}, c); err != nil {
			return err
		}
		p.warn(warnings)
		_, err := p.stdout.Write(answer.Bytes())
		if err == nil {
			err = p.stdout.sync()
		}
		return unprinted(secretUnprinted, err)
	}
}

const secretUnprinted = "the secret cannot be printed"

// printer is standard output. It remembers that something could not be printed, for what
// prints and does not say so: the help.
type printer struct {
	to     io.Writer
	colour bool // it is a terminal, and colours are wanted
	failed error
}

// bold is a text in bold, if the terminal has that.
func (w *printer) bold(text string) string {
	if !w.colour {
		return text
	}
	return "\x1b[1m" + text + "\x1b[0m"
}

func (w *printer) Write(b []byte) (int, error) {
	n, err := w.to.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		err = &readerGoneError{err}
	}
	if err != nil {
		w.failed = err
	}
	return n, err
}

// sync waits until a file has the output, because the disk may be full. An output that is not a
// file, such as a pipe, has it already.
func (w *printer) sync() error {
	file, ok := w.to.(interface{ Sync() error })
	if !ok {
		return nil
	}
	err := file.Sync()
	for _, special := range []error{syscall.EINVAL, syscall.ENOTSUP, syscall.EROFS} { // fsync(2)
		if errors.Is(err, special) {
			return nil
		}
	}
	return err
}

// once is the member that is printed only once: at the end, so that the operator does not overlook
// it.
const once = "client_secret"

// show prints one thing: its JSON, or a table with a line for each member.
func (o Output) show(w *printer, v any) error {
	if o.Output == "json" {
		return printJSON(w, v)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	last := ""
	for _, m := range members(reflect.ValueOf(v)) {
		if m.name == once {
			last = fmt.Sprintf("\n%s  %s\n", m.name, w.bold(m.text))
			continue
		}
		fmt.Fprintf(table, "%s\t%s\n", m.name, m.text)
	}
	if err := table.Flush(); err != nil || last == "" {
		return err
	}
	_, err := io.WriteString(w, last)
	return err
}

// printList prints many: a JSON array, or a table with the columns named, which are
// members of the JSON.
func printList[V any](o Output, w io.Writer, rows []V, columns ...string) error {
	if o.Output == "json" {
		return printJSON(w, rows)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, strings.ToUpper(strings.Join(columns, "\t")))
	for _, row := range rows {
		texts := make(map[string]string)
		for _, m := range members(reflect.ValueOf(row)) {
			texts[m.name] = m.text
		}
		cells := make([]string, 0, len(columns))
		for _, c := range columns {
			cells = append(cells, texts[c])
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	return table.Flush()
}

// span is a duration in short form: 29d4h, 3h12m, 45s.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch d = max(d, 0); {
	case d >= 2*day:
		return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return d.Truncate(time.Second).String()
}

func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// member is a member of the JSON of a struct, as a table shows it.
type member struct{ name, text string }

// members returns what the struct's JSON has, in its order. Seconds are shown as a
// duration.
func members(v reflect.Value) []member {
	var found []member
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Anonymous {
			found = append(found, members(v.Field(i))...)
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if (options == "omitempty" || options == "omitzero") && v.Field(i).IsZero() {
			continue
		}
		shown := text(v.Field(i))
		if unit, seconds := strings.CutSuffix(name, "_seconds"); seconds {
			name, shown = unit, config.FormatDuration(time.Duration(v.Field(i).Int())*time.Second)
		}
		found = append(found, member{name: name, text: shown})
	}
	return found
}

// nothing is the table entry of an empty value.
const nothing = "-"

func text(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Time:
		return x.UTC().Format(time.RFC3339)
	case json.RawMessage:
		if len(x) == 0 {
			return nothing
		}
		return string(x)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nothing
		}
		return text(v.Elem())
	case reflect.Slice:
		texts := make([]string, 0, v.Len())
		for i := range v.Len() {
			texts = append(texts, text(v.Index(i)))
		}
		if v.Type().Elem().Kind() == reflect.String && strings.ContainsRune(strings.Join(texts, ""), ' ') {
			return strings.Join(texts, "; ") // sentences
		}
		return orNothing(strings.Join(texts, " "))
	case reflect.Map:
		if v.Len() == 0 {
			return nothing
		}
		encoded, err := json.Marshal(v.Interface())
		if err != nil {
			return err.Error()
		}
		return string(encoded)
	case reflect.Struct:
		texts := []string{}
		for _, m := range members(v) {
			texts = append(texts, m.name+"="+m.text)
		}
		return "(" + strings.Join(texts, " ") + ")"
	}
	return orNothing(fmt.Sprint(v.Interface()))
}

func orNothing(s string) string {
	if s == "" {
		return nothing
	}
	return s
}
