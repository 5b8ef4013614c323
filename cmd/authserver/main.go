package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"authserver/internal/admin"
	"authserver/internal/config"
	"authserver/internal/server"
)

// commands is the table of commands. Each is a file.
type commands struct {
	GlobalFlags
	Dev         devCommand         `cmd:"" help:"Try it out: serve from .authserver/ with a demo client, user and issuer, and print commands to paste." example:"authserver dev"`
	Serve       serveCommand       `cmd:"" help:"Serve in production." example:"authserver serve --config authserver.yaml"`
	Migrate     migrateCommand     `cmd:"" help:"The database schema."`
	Client      clientCommand      `cmd:"" help:"Clients: applications that ask for tokens."`
	User        userCommand        `cmd:"" help:"Users: people who log in with a password."`
	Resource    resourceCommand    `cmd:"" help:"Resources: APIs that tokens are made for."`
	Issuer      issuerCommand      `cmd:"" help:"Trusted issuers, whose assertions clients exchange for tokens (jwt-bearer)."`
	Key         keyCommand         `cmd:"" help:"Signing keys, and the master key."`
	Audit       auditCommand       `cmd:"" help:"The audit log: who changed what, and signs of stolen tokens."`
	Assertion   assertionCommand   `cmd:"" help:"Assertions, to try out the grant jwt-bearer."`
	DPoP        dpopCommand        `cmd:"" name:"dpop" help:"Proofs of possession (DPoP), to try out tokens that are bound to a key."`
	Token       tokenCommand       `cmd:"" help:"Tokens."`
	Family      familyCommand      `cmd:"" help:"Token families: logins, each with all of its refresh tokens."`
	Theme       themeCommand       `cmd:"" help:"Themes: your own look for the pages that people see."`
	Session     sessionCommand     `cmd:"" help:"Sessions: browsers in which people are signed in."`
	Consent     consentCommand     `cmd:"" help:"Consents: what users let clients ask for."`
	Delivery    deliveryCommand    `cmd:"" help:"Deliveries of logout tokens to clients, after sessions ended."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask the server on this machine whether it is ready. The exit code is the answer." example:"authserver healthcheck"`
	Version     versionCommand     `cmd:"" help:"Print the version." example:"authserver version"`
	Completion  completionCommand  `cmd:"" help:"Print a script that completes commands and flags in a shell." example:"source <(authserver completion bash)"`
	Help        helpCommand        `cmd:"" help:"Show the help of a command." example:"authserver help client create"`
	Complete    completeCommand    `cmd:"" hidden:"" help:"Print the words that may replace the last one, for the scripts of completion." example:"authserver complete -- client l"`
}

// command is one of the table.
type command interface{ Run(p *process) error }

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	// A closed pipe is an answer that cannot be printed, but no reason to end a server that logs to
	// it.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(run(os.Args, os.Stdin, standardOutput(), os.Stderr, os.Environ()))
}

// process is the environment of a command.
type process struct {
	ctx    context.Context // ends with SIGINT and SIGTERM
	name   string          // the name by which it was called
	by     admin.Call      // the account that called it
	path   []string        // the words of the command
	stdin  io.Reader
	stdout *printer
	stderr io.Writer
	given  map[string]bool // the settings that do not come from their defaults
}

// report prints to standard error what the command did. If printing fails, nothing else changes.
func (p *process) report(format string, args ...any) {
	fmt.Fprintf(p.stderr, format+"\n", args...)
}

// errQuiet ends a command with exit code 1 and without a message.
var errQuiet = errors.New("failed")

// usageError is wrong usage of the command.
type usageError struct{ cause error }

func (e *usageError) Error() string { return e.cause.Error() }
func (e *usageError) Unwrap() error { return e.cause }

func usage(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// changes refuses an update without a flag for what to change.
func (p *process) changes(input any) error {
	if reflect.ValueOf(input).IsZero() {
		return usage("name what to change: see authserver %s --help", strings.Join(p.path, " "))
	}
	return nil
}

// run is main without the process around it. It returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, environ []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process if the first does not
	exited := -1                 // kong's code after --help, for which it would end the process
	out := &printer{to: stdout, colour: inColour(stdout, environ)}
	parser, err := newParser(out, stderr, environ, func(code int) {
		if exited < 0 {
			exited = code
		}
	}, only(args[1:])...)
	if err != nil {
		return fail(stderr, err)
	}
	parsed, err := parse(parser, args[1:])
	if err == nil && exited < 0 {
		err = empty(parsed)
	}
	switch {
	case out.failed != nil:
		return fail(stderr, fmt.Errorf("the help cannot be printed: %w", out.failed))
	case exited >= 0:
		return exited
	case err != nil:
		code := fail(stderr, &usageError{err})
		hint(stderr, err)
		return code
	}
	p := &process{ctx: ctx, name: args[0], by: operator(), path: strings.Fields(parsed.Selected().Path()), stdin: stdin, stdout: out, stderr: stderr, given: given(parsed)}
	// kong's model of all commands would be most of the heap of an idle server. It is released
	// here, because kong does not run the command.
	chosen := parsed.Selected().Target.Addr().Interface().(command)
	return fail(stderr, p.named(chosen.Run(p)))
}

// deployment are the settings that identify the deployment. Each takes a value.
var deployment = []string{"--issuer", "--listen", "--ops-listen", "--database-url", "--master-key-file"}

// parse reads a command line. Every command takes the flags of deployment, so that an operator
// has one set of them for all commands: those that the command does not read are left out.
func parse(parser *kong.Kong, args []string) (*kong.Context, error) {
	for {
		parsed, err := parser.Parse(args)
		if err == nil {
			return parsed, nil
		}
		refused := refusedSetting(err)
		at := slices.IndexFunc(args, func(word string) bool { return word == refused || strings.HasPrefix(word, refused+"=") })
		if at < 0 || !slices.Contains(deployment, refused) {
			return parsed, err
		}
		end := at + 1
		if args[at] == refused {
			end++ // with its value
		}
		if end > len(args) {
			return parsed, err
		}
		args = slices.Delete(slices.Clone(args), at, end)
	}
}

// inColour reports whether a writer is a terminal on which colours are wanted
// (https://no-color.org).
func inColour(w io.Writer, environ []string) bool {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return false
	}
	return !slices.ContainsFunc(environ, func(entry string) bool {
		name, value, _ := strings.Cut(entry, "=")
		return name == "NO_COLOR" && value != "" || name == "TERM" && value == "dumb"
	})
}

// newParser reads command lines by the table of commands. exit is called instead of
// ending the process.
func newParser(stdout, stderr io.Writer, environ []string, exit func(code int), more ...kong.Option) (*kong.Kong, error) {
	options := append(config.Options(config.Sources{Environ: environ, ReadFile: readText}),
		kong.Name("authserver"),
		kong.Description("An OAuth 2.0 authorization server that issues JWT access tokens."),
		kong.Writers(stdout, stderr),
		kong.Exit(exit),
		kong.Help(help),
	)
	return kong.New(&commands{}, append(options, more...)...)
}

// only leaves all commands out of the table except the one that the arguments begin with: to
// read the flags of all of them takes longer than most commands do. Arguments that begin with
// no command need the whole table, to say which there are.
func only(args []string) []kong.Option {
	if len(args) == 0 {
		return nil
	}
	var others []string
	found := false
	for field := range reflect.TypeFor[commands]().Fields() {
		switch _, command := field.Tag.Lookup("cmd"); {
		case !command:
		case strings.ToLower(field.Name) == args[0]:
			found = true
		default:
			others = append(others, field.Name)
		}
	}
	if !found {
		return nil
	}
	return []kong.Option{kong.IgnoreFields(`^commands\.(` + strings.Join(others, "|") + `)$`)}
}

// given returns the settings that come from the command line, the environment or the
// file, and not from their defaults.
func given(parsed *kong.Context) map[string]bool {
	names := map[string]bool{}
	for _, path := range parsed.Path {
		if path.Flag != nil {
			names[path.Flag.Name] = true
		}
	}
	return names
}

// empty refuses a flag of the command itself without a value, as in a script whose variable was not
// set: without the flag the command may do more than the operator wanted. A flag that may be empty,
// to clear a value, is a pointer or a list. A flag for which an empty value is the same as none has
// the tag "empty".
func empty(parsed *kong.Context) error {
	var faults []error
	for _, path := range parsed.Path {
		f := path.Flag
		if f == nil || f.Tag.Has("setting") || f.Tag.Has("empty") || f.Target.Kind() != reflect.String || f.Target.String() != "" {
			continue
		}
		faults = append(faults, fmt.Errorf("--%s: it must not be empty: give it a value, or leave it out", f.Name))
	}
	return errors.Join(faults...)
}

// hint names the help of the command, if the command line was at fault and not a setting.
func hint(stderr io.Writer, err error) {
	var parse *kong.ParseError
	if !errors.As(err, &parse) || parse.ExitCode() == exitFailed || parse.Context == nil {
		return
	}
	command := "authserver"
	if selected := parse.Context.Selected(); selected != nil {
		command += " " + selected.Path()
	}
	if setting := refusedSetting(err); setting != "" {
		fmt.Fprintf(stderr, "authserver: %s is a setting that %s does not read: leave it out here\n", setting, command)
	}
	fmt.Fprintf(stderr, "authserver: see %s --help\n", command)
}

// refusedSetting returns the flag that was refused, if it is a setting that other commands
// read, or "".
func refusedSetting(err error) string {
	words := strings.FieldsFunc(err.Error(), func(c rune) bool { return c == ' ' || c == ',' })
	if len(words) < 3 || words[0] != "unknown" || words[1] != "flag" {
		return ""
	}
	if slices.ContainsFunc(config.Table(), func(r config.Row) bool { return r.Flag == words[2] }) {
		return words[2]
	}
	return ""
}

// fail prints the error, if there is one, and returns the exit code that it means.
func fail(stderr io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	var gone *readerGoneError
	if !errors.Is(err, errQuiet) && !errors.As(err, &gone) {
		for line := range strings.Lines(untold(err.Error())) { // joined errors have a line each
			fmt.Fprintf(stderr, "authserver: %s\n", strings.TrimSuffix(line, "\n"))
		}
	}
	var faults admin.Faults
	var wrong *usageError
	var settings *server.SettingsError
	if errors.As(err, &faults) || errors.As(err, &wrong) || errors.As(err, &settings) {
		return exitUsage
	}
	return exitFailed
}
