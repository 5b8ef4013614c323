package main

import (
	"fmt"
	"slices"

	"github.com/alecthomas/kong"
)

// GlobalFlags are the flags of every command, beside kong's --help.
type GlobalFlags struct {
	HelpSettings settingsHelp `name:"help-settings" help:"Show the settings, which are flags too."`
	ShowVersion  versionFlag  `name:"version" help:"Print the version."`
}

// settingsHelp is a flag that prints the settings of a command and ends it, as kong's
// own --help does.
type settingsHelp bool

// IgnoreDefault has kong apply the flag before a command is chosen.
func (settingsHelp) IgnoreDefault() {}

// BeforeReset is called by kong where the flag is given.
func (settingsHelp) BeforeReset(ctx *kong.Context) error {
	err := ctx.PrintUsage(false)
	ctx.Exit(exitDone)
	return err
}

// versionFlag prints the version and ends the command.
type versionFlag bool

// IgnoreDefault has kong apply the flag before a command is chosen.
func (versionFlag) IgnoreDefault() {}

// BeforeReset is called by kong where the flag is given.
func (versionFlag) BeforeReset(ctx *kong.Context) error {
	_, err := fmt.Fprintln(ctx.Stdout, versionLine())
	ctx.Exit(exitDone)
	return err
}

// help prints the flags of the command itself and an example or, for --help-settings,
// the settings.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	settings := slices.ContainsFunc(ctx.Path, func(p *kong.Path) bool { return p.Flag != nil && p.Flag.Name == "help-settings" })
	selected := ctx.Selected()
	for _, f := range ctx.Flags() {
		switch {
		case f.Tag.Has("setting") != settings:
			f.Hidden = true
		case f.Name == "version":
			f.Hidden = selected != nil
		case f.Name == "help-settings":
			f.Hidden = !hasSettings(selected)
		}
	}
	options.Compact, options.NoExpandSubcommands = true, true
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil || settings || selected == nil {
		return err
	}
	if example := selected.Tag.Get("example"); example != "" {
		fmt.Fprintf(ctx.Stdout, "\nExample:\n  %s\n", example)
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
	if code := run(append(args, "--help"), p.stdin, p.stdout, p.stderr, nil); code != exitDone {
		return &usageError{errQuiet}
	}
	return nil
}
