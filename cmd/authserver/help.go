package main

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/alecthomas/kong"
)

// GlobalFlags are the flags of every command, in addition to kong's --help.
type GlobalFlags struct {
	HelpAll      helpFlag    `name:"help-all" help:"Explain every flag of the command."`
	HelpSettings helpFlag    `name:"help-settings" help:"Show the settings, which are flags too."`
	ShowVersion  versionFlag `name:"version" help:"Print the version."`
}

// helpFlag is a flag that prints a help and ends the command, as kong's own --help does.
type helpFlag bool

// IgnoreDefault makes kong apply the flag before a command is chosen.
func (helpFlag) IgnoreDefault() {}

// kong calls BeforeReset if the flag is given.
func (helpFlag) BeforeReset(ctx *kong.Context) error {
	err := ctx.PrintUsage(false)
	ctx.Exit(exitDone)
	return err
}

// versionFlag prints the version and ends the command.
type versionFlag bool

// IgnoreDefault makes kong apply the flag before a command is chosen.
func (versionFlag) IgnoreDefault() {}

// kong calls BeforeReset if the flag is given.
func (versionFlag) BeforeReset(ctx *kong.Context) error {
	_, err := fmt.Fprintln(ctx.Stdout, versionLine())
	ctx.Exit(exitDone)
	return err
}

// The screen that a help has to fit.
const (
	screenLines = 48
	helpWidth   = 80
)

// help prints the flags of the command itself and an example or, for --help-settings, the settings.
// If the flags do not fit a screen, it only names those in groups, and --help-all explains them.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	asked := func(name string) bool {
		return slices.ContainsFunc(ctx.Path, func(p *kong.Path) bool { return p.Flag != nil && p.Flag.Name == name })
	}
	settings, all := asked("help-settings"), asked("help-all")
	selected := ctx.Selected()
	for _, f := range ctx.Flags() {
		switch {
		case f.Tag.Has("setting") != settings:
			f.Hidden = true
		case f.Name == "version":
			f.Hidden = selected != nil
		case f.Name == "help-settings":
			f.Hidden = !hasSettings(selected)
		case f.Name == "help-all":
			f.Hidden = !all
		}
	}
	options.Compact, options.NoExpandSubcommands, options.WrapUpperBound = true, true, helpWidth
	out := ctx.Stdout
	defer func() { ctx.Stdout = out }()
	var text bytes.Buffer
	ctx.Stdout = &text
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	if !settings && !all && bytes.Count(text.Bytes(), []byte("\n")) > screenLines {
		text.Reset()
		if err := brief(options, ctx, &text); err != nil {
			return err
		}
	}
	node := selected
	if node == nil {
		node = ctx.Model.Node
	}
	if example := exampleOf(node); !settings && example != "" {
		fmt.Fprintf(&text, "\nExample:\n  %s\n", example)
	}
	_, err := out.Write(text.Bytes())
	return err
}

// exampleOf is the example of a command, or of its first subcommand.
func exampleOf(node *kong.Node) string {
	for node.Tag == nil || node.Tag.Get("example") == "" {
		if len(node.Children) == 0 {
			return ""
		}
		node = node.Children[0]
	}
	return node.Tag.Get("example")
}

// brief is the help of a command in which the flags of groups are only named.
func brief(options kong.HelpOptions, ctx *kong.Context, text *bytes.Buffer) error {
	var groups []string
	named := map[string][]string{}
	for _, f := range ctx.Flags() {
		switch {
		case f.Name == "help-all":
			f.Hidden = false
		case f.Hidden || f.Group == nil:
		default:
			f.Hidden = true
			if named[f.Group.Title] == nil {
				groups = append(groups, f.Group.Title)
			}
			named[f.Group.Title] = append(named[f.Group.Title], "--"+f.Name)
		}
	}
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	fmt.Fprintf(text, "\nMore flags, which --help-all explains:\n")
	for _, group := range groups {
		line := "  " + group + ":"
		for _, name := range named[group] {
			if len(line)+1+len(name) > options.WrapUpperBound {
				fmt.Fprintln(text, line)
				line = "   "
			}
			line += " " + name
		}
		fmt.Fprintln(text, line)
	}
	return nil
}

// hasSettings reports whether a command reads settings.
func hasSettings(node *kong.Node) bool {
	return node != nil && slices.ContainsFunc(node.Flags, func(f *kong.Flag) bool { return f.Tag.Has("setting") })
}

// helpCommand is the same as --help, for users who look for a command.
type helpCommand struct {
	Command []string `arg:"" optional:"" help:"The command, such as: client create."`
}

func (c *helpCommand) Run(p *process) error {
	args := append([]string{p.name}, c.Command...)
	code := run(append(args, "--help"), p.stdin, p.stdout, p.stderr, nil)
	switch {
	case p.stdout.failed != nil:
		return errQuiet
	case code != exitDone:
		return &usageError{errQuiet}
	}
	return nil
}
