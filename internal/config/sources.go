package config

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

const envPrefix = "AUTHSERVER_"

// Sources are the sources of settings other than flags.
type Sources struct {
	Environ  []string                          // as os.Environ gives it
	ReadFile func(name string) ([]byte, error) // os.ReadFile
}

// Options teach kong the environment, the settings file and durations with days.
func Options(src Sources) []kong.Option {
	return []kong.Option{
		kong.Bind(src),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), mapper("duration", ParseDuration)), // with days
		kong.TypeMapper(reflect.TypeFor[slog.Level](), mapper("level", parseLevel)),
		kong.ValueFormatter(helpWithEnv),
	}
}

// helpWithEnv adds the environment variable to the help of a setting. kong's own
// tag "env" is not used: it would read the real environment, let the file win
// over it, and repeat a secret in an error.
func helpWithEnv(value *kong.Value) string {
	if value.Tag.Has("setting") {
		for _, r := range Table() {
			if r.Name == value.Name {
				return fmt.Sprintf("%s ($%s)", value.Help, r.Env)
			}
		}
	}
	return kong.DefaultHelpValueFormatter(value)
}

// File is the settings file. Each command that reads settings embeds it once, in addition to the
// groups that it reads.
type File struct {
	Config string `name:"config" setting:"flag env" group:"Settings file" placeholder:"FILE" help:"YAML file with settings."`
}

// BeforeResolve is called by kong for each command that embeds File. It reads the environment and
// the file and reports all faults: unknown names, and wrong values of settings that the command
// reads. Other settings are for other commands, which share the environment and the file.
func (*File) BeforeResolve(ctx *kong.Context, src Sources) error {
	g := given{flags: make(map[string]bool)}
	configFile := ""
	for _, path := range ctx.Path {
		if path.Flag == nil || !path.Flag.Tag.Has("setting") {
			continue
		}
		g.flags[path.Flag.Name] = true
		if path.Flag.Name == "config" {
			configFile, _ = ctx.FlagValue(path.Flag).(string)
		}
	}
	read := make(map[string]bool)
	for _, flag := range ctx.Flags() {
		read[flag.Name] = flag.Tag.Has("setting")
	}
	var envErr, fileErr error
	g.env, envErr = readEnviron(src.Environ, read)
	if configFile == "" {
		configFile = g.env["config"]
	}
	if configFile != "" {
		g.file, fileErr = readFile(configFile, src.ReadFile, read)
	}
	if err := errors.Join(envErr, fileErr); err != nil {
		return err
	}
	ctx.Bind(g)
	ctx.AddResolver(g)
	return nil
}

// given are settings by name. The values of those that the command reads are well formed.
type given struct {
	flags     map[string]bool
	env, file map[string]string
}

// Validate satisfies kong.Resolver. The values are checked already.
func (g given) Validate(*kong.Application) error { return nil }

// Resolve gives kong the value of a setting that has no flag on the command line.
func (g given) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if !flag.Tag.Has("setting") {
		return nil, nil //nolint:nilnil // kong's way to say that there is no value
	}
	if text, ok := g.lookup(flag.Name); ok {
		return text, nil
	}
	return nil, nil //nolint:nilnil // kong's way to say that there is no value
}

// lookup returns the value in the environment, or else in the file. If two settings exclude each
// other, such as a secret and the file with it, only the one from the stronger source counts, so
// that the environment can override a file that names the other.
func (g given) lookup(name string) (string, bool) {
	for _, rival := range rivals(name) {
		if g.strength(rival) > g.strength(name) {
			return "", false
		}
	}
	if text, ok := g.env[name]; ok {
		return text, true
	}
	text, ok := g.file[name]
	return text, ok
}

func (g given) strength(name string) int {
	_, env := g.env[name]
	_, file := g.file[name]
	switch {
	case g.flags[name]:
		return 3
	case env:
		return 2
	case file:
		return 1
	}
	return 0
}

// rivals are the settings that exclude this one.
func rivals(name string) []string {
	for _, ways := range [][]string{{"database-url", "database-url-file"}, {"master-key", "master-key-file", "master-key-url"}} {
		if i := slices.Index(ways, name); i >= 0 {
			return slices.Delete(ways, i, i+1)
		}
	}
	return nil
}

// serviceLinks are the variables that Kubernetes sets in each container for a
// service whose name begins with "authserver", such as AUTHSERVER_SERVICE_HOST,
// AUTHSERVER_OPS_SERVICE_PORT_HTTP and AUTHSERVER_PORT_8080_TCP_ADDR. The ones
// that end in _PORT or _TCP hold a URL.
var serviceLinks = regexp.MustCompile(`^AUTHSERVER_(?:[A-Z0-9_]+_)?` +
	`(?:SERVICE_HOST=|SERVICE_PORT(?:_[A-Z0-9_]+)?=|PORT(?:_\d+_(?:TCP|UDP|SCTP))?=(?:tcp|udp|sctp)://|PORT_\d+_(?:TCP|UDP|SCTP)_(?:PROTO|PORT|ADDR)=)`)

// readEnviron returns the settings in the environment by name, and checks the values of those that
// the command reads. An empty variable counts as not set, as in compose files.
func readEnviron(environ []string, read map[string]bool) (map[string]string, error) {
	byEnv, envs := make(map[string]Row), []string(nil)
	for _, r := range Table() {
		byEnv[r.Env] = r
		envs = append(envs, r.Env)
	}
	values := make(map[string]string)
	var faults []error
	for _, entry := range environ {
		env, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(env, envPrefix) || serviceLinks.MatchString(entry) {
			continue
		}
		row, known := byEnv[env]
		switch {
		case !known:
			faults = append(faults, fmt.Errorf("unknown environment variable %s: did you mean %s?", env, nearest(env, envs)))
		case text == "":
		default:
			values[row.Name] = text
			if err := row.check(env, text); err != nil && read[row.Name] {
				faults = append(faults, err)
			}
		}
	}
	return values, errors.Join(faults...)
}

// check reports a text that is not a value of the setting. where names its place: a variable, or a
// key with its file and line.
func (r Row) check(where, text string) error {
	switch r.zero.(type) {
	case time.Duration:
		if _, err := ParseDuration(text); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
	case int:
		if _, err := strconv.ParseInt(text, 0, strconv.IntSize); err != nil {
			return fmt.Errorf("%s: %q is not a whole number, such as %s", where, text, r.Default)
		}
	case bool:
		switch strings.ToLower(text) {
		case "true", "1", "yes", "false", "0", "no":
		default:
			return fmt.Errorf("%s: %q is neither true nor false", where, text)
		}
	case slog.Level:
		if _, err := parseLevel(text); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
	}
	return nil
}

// mapper reads a setting of the type T by parse. Kong's own errors call a value by what it is.
func mapper[T ~int | ~int64](what string, parse func(text string) (T, error)) kong.MapperFunc {
	return func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if err := ctx.Scan.PopValueInto(what, &text); err != nil {
			return err
		}
		value, err := parse(text)
		if err != nil {
			return err
		}
		target.SetInt(int64(value))
		return nil
	}
}
