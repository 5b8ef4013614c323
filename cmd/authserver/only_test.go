package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestOnlyTheCommandIsRead: one row of the table of commands gives the same result for a command
// line as the whole table, whether the line is right or wrong.
func TestOnlyTheCommandIsRead(t *testing.T) {
	lines := [][]string{{}, {"--help"}, {"client"}, {"client", "lost"}, {"lost"}, {"--lost", "version"}, {"--version"}, {"version", "--version"}}
	for _, leaf := range leaves(t) {
		words := strings.Fields(leaf.Path())
		for _, more := range [][]string{nil, {"--help"}, {"--help-settings"}, {"--lost"}, {"lost", "more"}, {"--output", "lost"}, {"--config="}} {
			lines = append(lines, append(slices.Clone(words), more...))
		}
	}
	read := func(args []string, more ...kong.Option) string {
		var out bytes.Buffer
		exited := -1
		parser, err := newParser(&out, &out, nil, func(code int) { exited = code }, more...)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parse(parser, args)
		selected := ""
		if parsed != nil && parsed.Selected() != nil {
			selected = parsed.Selected().Path()
		}
		return fmt.Sprintf("exit code %d, command %q, error %v\n%s", exited, selected, err, out.String())
	}
	for _, args := range lines {
		if one, all := read(args, only(args)...), read(args); one != all {
			t.Errorf("%v: one row of the table answers\n%s\nthe whole table\n%s", args, one, all)
		}
	}
}

// TestOneCommandIsRead: for a command line that begins with a command, only that command is built.
func TestOneCommandIsRead(t *testing.T) {
	for _, leaf := range leaves(t) {
		words := strings.Fields(leaf.Path())
		parser, err := newParser(&bytes.Buffer{}, &bytes.Buffer{}, nil, func(int) {}, only(words)...)
		if err != nil {
			t.Fatal(err)
		}
		if read := parser.Model.Children; len(read) != 1 || read[0].Name != words[0] {
			t.Errorf("for %s %d commands are read", leaf.Path(), len(read))
		}
	}
}
