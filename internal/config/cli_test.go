package config

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// cli is a small copy of cmd/authserver: commands that embed the settings that they read, with
// flags of their own, and one that needs no settings.
type cli struct {
	Serve    serveCmd    `cmd:"" help:"Serve."`
	Resource resourceCmd `cmd:"" help:"Resources."`
	Version  versionCmd  `cmd:"" help:"Version."`
}

type serveCmd struct {
	Server
}

type resourceCmd struct {
	Create resourceCreateCmd `cmd:"" help:"Create."`
	Show   resourceShowCmd   `cmd:"" help:"Show."`
}

// OnDatabase is embedded by commands, and embeds groups.
type OnDatabase struct {
	File
	Database
}

type resourceCreateCmd struct {
	OnDatabase
	Identity
	ID             string        `name:"id" required:""`
	Scope          []string      `sep:"none"`
	AccessTokenTTL time.Duration `name:"access-token-ttl"`
}

type resourceShowCmd struct {
	OnDatabase
	ID string `arg:""`
}

type versionCmd struct{}

// sources makes Sources of an environment and of files by name.
func sources(environ []string, files map[string]string) Sources {
	return Sources{Environ: environ, ReadFile: func(name string) ([]byte, error) {
		content, ok := files[name]
		if !ok {
			return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
		}
		return []byte(content), nil
	}}
}

// every returns the settings of a command that reads all of them.
func every() map[string]bool {
	read := make(map[string]bool)
	for _, r := range Table() {
		read[r.Name] = true
	}
	return read
}

func parse(t testing.TB, src Sources, args ...string) (*cli, error) {
	t.Helper()
	var c cli
	var out bytes.Buffer
	parser, err := kong.New(&c, append(Options(src), kong.Name("authserver"), kong.Writers(&out, &out),
		kong.Exit(func(int) { panic("exit") }))...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(args)
	return &c, err
}

func TestPrecedence(t *testing.T) {
	const file = "listen: file:1\nrefresh-grace: 3s\nbcrypt-cost: 7\nno-migrate: true\n"
	for _, c := range []struct {
		name    string
		args    []string
		environ []string
		file    string
		want    string // the value of listen
	}{
		{"the default stands where nothing is given", nil, nil, "", "127.0.0.1:8080"},
		{"the file wins over the default", nil, nil, file, "file:1"},
		{"the environment wins over the file", nil, []string{"AUTHSERVER_LISTEN=env:1"}, file, "env:1"},
		{"a flag wins over the environment", []string{"--listen", "flag:1"}, []string{"AUTHSERVER_LISTEN=env:1"}, file, "flag:1"},
		{"a flag wins over the file", []string{"--listen=flag:1"}, nil, file, "flag:1"},
		{"an empty variable counts as not set", nil, []string{"AUTHSERVER_LISTEN="}, file, "file:1"},
		{"an empty key counts as not set", nil, nil, "listen:\n", "127.0.0.1:8080"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"serve"}, c.args...)
			if c.file != "" {
				args = append(args, "--config", "a.yaml")
			}
			got, err := parse(t, sources(c.environ, map[string]string{"a.yaml": c.file}), args...)
			if err != nil {
				t.Fatal(err)
			}
			if got.Serve.Listen != c.want {
				t.Errorf("listen is %q, want %q", got.Serve.Listen, c.want)
			}
		})
	}
}

func TestEveryKindOfValueFromEverySource(t *testing.T) {
	want := Server{
		Identity: Identity{Listen: ":1"}, Database: Database{DatabaseURL: NewSecret("sqlite:x")}, Refresh: Refresh{RefreshGrace: 36 * time.Hour},
		Passwords: Passwords{BcryptCost: 7}, Schema: Schema{NoMigrate: true}, Log: Log{LogLevel: slog.LevelWarn}, Sealing: Sealing{MasterKey: NewSecret("key")},
	}
	for name, c := range map[string]struct {
		args    []string
		environ []string
	}{
		"flags": {args: []string{"--listen=:1", "--database-url=sqlite:x", "--refresh-grace=1d12h", "--bcrypt-cost=7", "--no-migrate", "--log-level=warn"}, environ: []string{"AUTHSERVER_MASTER_KEY=key"}},
		"environment": {environ: []string{"AUTHSERVER_LISTEN=:1", "AUTHSERVER_DATABASE_URL=sqlite:x", "AUTHSERVER_REFRESH_GRACE=1d12h", "AUTHSERVER_BCRYPT_COST=7",
			"AUTHSERVER_NO_MIGRATE=yes", "AUTHSERVER_LOG_LEVEL=WARN", "AUTHSERVER_MASTER_KEY=key", "PATH=/bin"}},
		"file": {environ: []string{"AUTHSERVER_CONFIG=a.yaml", "AUTHSERVER_MASTER_KEY=key"}},
	} {
		t.Run(name, func(t *testing.T) {
			const file = "# comment\nlisten: ':1'\ndatabase-url: &db sqlite:x\nrefresh-grace: 1d12h\nbcrypt-cost: 7\nno-migrate: true\nlog-level: warn\n"
			got, err := parse(t, sources(c.environ, map[string]string{"a.yaml": file}), append([]string{"serve"}, c.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			s := got.Serve.Server
			read := Server{
				Identity: Identity{Listen: s.Listen}, Database: Database{DatabaseURL: s.DatabaseURL}, Refresh: s.Refresh,
				Passwords: s.Passwords, Schema: s.Schema, Log: Log{LogLevel: s.LogLevel}, Sealing: Sealing{MasterKey: s.MasterKey},
			}
			if diff := cmp.Diff(want, read, cmp.AllowUnexported(Secret{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSettingsSitBesideACommandsOwnFlags(t *testing.T) {
	src := sources([]string{"AUTHSERVER_DATABASE_URL=sqlite:x"}, map[string]string{"a.yaml": "issuer: https://a.example\n"})
	got, err := parse(t, src, "resource", "create", "--id", "https://api.example.com", "--scope", "a", "--scope", "b", "--access-token-ttl", "1d", "--config", "a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	create := got.Resource.Create
	if diff := cmp.Diff([]string{"a", "b"}, create.Scope); diff != "" {
		t.Error(diff)
	}
	if create.ID != "https://api.example.com" || create.AccessTokenTTL != 24*time.Hour || create.Issuer != "https://a.example" || create.DatabaseURL.Reveal() != "sqlite:x" {
		t.Errorf("parsed %+v", create)
	}
	shown, err := parse(t, src, "resource", "show", "--", "-id-")
	if err != nil || shown.Resource.Show.ID != "-id-" || shown.Resource.Show.DatabaseURL.Reveal() != "sqlite:x" {
		t.Errorf("parsed %+v, %v", shown.Resource.Show, err)
	}
}

func TestACommandsOwnFlagsAreNoSettings(t *testing.T) {
	for _, c := range []struct{ name, environ, file, want string }{
		{"not in the environment", "AUTHSERVER_SCOPE=a", "", "unknown environment variable AUTHSERVER_SCOPE"},
		{"not in the file", "", "id: https://api.example.com", "unknown setting id in a.yaml:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parse(t, sources([]string{c.environ}, map[string]string{"a.yaml": c.file}), "resource", "create", "--id", "x", "--config", "a.yaml")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Parse returned %v, want %q", err, c.want)
			}
		})
	}
}

// The environment and the file are for the server too. A command uses only its own settings, and
// does not check the value of another one: the command that reads it does that.
func TestSettingsOfOtherCommands(t *testing.T) {
	files := map[string]string{"a.yaml": "refresh-grace: soon\ntls-key-file: [a, b]\nissuer: https://a.example\n"}
	environ := []string{"AUTHSERVER_BCRYPT_COST=high", "AUTHSERVER_LOG_LEVEL=loud", "AUTHSERVER_MASTER_KEY=short", "AUTHSERVER_DATABASE_URL=sqlite:x"}
	got, err := parse(t, sources(environ, files), "resource", "show", "x", "--config", "a.yaml")
	if err != nil || got.Resource.Show.DatabaseURL.Reveal() != "sqlite:x" {
		t.Errorf("parsed %+v, %v", got.Resource.Show, err)
	}
	_, err = parse(t, sources(environ, files), "serve", "--config", "a.yaml")
	for _, want := range []string{"AUTHSERVER_BCRYPT_COST", "AUTHSERVER_LOG_LEVEL", "refresh-grace in a.yaml:1", "tls-key-file in a.yaml:2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("serve finds %v, want %s", err, want)
		}
	}
}

// A setting that no command has is a fault for every command, and so is a repeated key.
func TestWhatIsNoSettingIsAFaultForEveryCommand(t *testing.T) {
	for _, c := range []struct{ environ, file, want string }{
		{"AUTHSERVER_BCRYPT_COTS=4", "", "unknown environment variable AUTHSERVER_BCRYPT_COTS: did you mean AUTHSERVER_BCRYPT_COST?"},
		{"", "bcrypt-cots: 4", "unknown setting bcrypt-cots in a.yaml:1: did you mean bcrypt-cost?"},
		{"", "bcrypt-cost: 4\nbcrypt-cost: 5", "bcrypt-cost in a.yaml:2 appears twice"},
	} {
		_, err := parse(t, sources([]string{c.environ}, map[string]string{"a.yaml": c.file}), "resource", "show", "x", "--config", "a.yaml")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("the fault is %v, want %s", err, c.want)
		}
	}
}

// A command has no flag for a setting that it does not read.
func TestFlagsOfOtherCommands(t *testing.T) {
	for _, flag := range []string{"--issuer=https://a.example", "--bcrypt-cost=4", "--no-migrate"} {
		if _, err := parse(t, sources(nil, nil), "resource", "show", "x", flag); err == nil || !strings.Contains(err.Error(), "unknown flag") {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

func TestACommandWithoutSettingsReadsNone(t *testing.T) {
	if _, err := parse(t, sources([]string{"AUTHSERVER_JUNK=1", "AUTHSERVER_CONFIG=missing.yaml"}, nil), "version"); err != nil {
		t.Error(err)
	}
}

func TestTheRealEnvironmentIsNotRead(t *testing.T) {
	t.Setenv("AUTHSERVER_LISTEN", "real:1")
	t.Setenv("AUTHSERVER_JUNK", "1")
	got, err := parse(t, sources(nil, nil), "serve")
	if err != nil || got.Serve.Listen != "127.0.0.1:8080" {
		t.Errorf("listen is %q, %v", got.Serve.Listen, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		name    string
		args    []string
		environ []string
		file    string
		want    []string
	}{
		{name: "an unknown key, naming the nearest", file: "databse-url: sqlite:x",
			want: []string{"unknown setting databse-url in authserver.yaml:1: did you mean database-url?"}},
		{name: "a key in the style of the environment", file: "DATABASE_URL: sqlite:x", want: []string{"unknown setting DATABASE_URL", "did you mean"}},
		{name: "an unknown variable, naming the nearest", environ: []string{"AUTHSERVER_DATABSE_URL=sqlite:x"},
			want: []string{"unknown environment variable AUTHSERVER_DATABSE_URL: did you mean AUTHSERVER_DATABASE_URL?"}},
		{name: "an unknown flag, naming the nearest", args: []string{"--databse-url=sqlite:x"}, want: []string{"unknown flag --databse-url", "--database-url"}},
		{name: "all faults of the environment and the file at once", environ: []string{"AUTHSERVER_JUNK=1", "AUTHSERVER_BCRYPT_COST=high"},
			file: "isuer: x\nrefresh-grace: soon\nlisten: [a, b]\nno-migrate: maybe\nlog-level: loud\nlog-format: json\nlog-format: text\n",
			want: []string{"AUTHSERVER_JUNK", `AUTHSERVER_BCRYPT_COST: "high" is not a whole number, such as 12`, "isuer in authserver.yaml:1: did you mean issuer?",
				`refresh-grace in authserver.yaml:2: "soon" is not a duration`, "listen in authserver.yaml:3 must be a single value",
				`no-migrate in authserver.yaml:4: "maybe" is neither true nor false`, `log-level in authserver.yaml:5: "loud" is not a level`,
				"log-format in authserver.yaml:7 appears twice"}},
		{name: "a number without a unit", file: "refresh-grace: 10", want: []string{`"10" is not a duration: write a number with a unit`}},
		{name: "a master key in the file", file: "master-key: s3cr3t", want: []string{"master-key in authserver.yaml:1", "master-key-file", "AUTHSERVER_MASTER_KEY"}},
		{name: "a master key as a flag", args: []string{"--master-key=s3cr3t"}, want: []string{"unknown flag --master-key"}},
		{name: "a settings file in the settings file", file: "config: other.yaml", want: []string{"config in authserver.yaml:1 cannot be set there: use --config or AUTHSERVER_CONFIG"}},
		{name: "a file that is not YAML", file: "listen: [", want: []string{"authserver.yaml is not YAML"}},
		{name: "a file that is no mapping", file: "- listen", want: []string{"authserver.yaml must be a YAML mapping"}},
		{name: "two documents", file: "listen: a:1\n---\nlisten: b:1\n", want: []string{"more than one YAML document"}},
		{name: "a file that is not there", args: []string{"--config=missing.yaml"}, want: []string{"read the settings file that config names: open missing.yaml"}},
		{name: "a malformed duration in a flag", args: []string{"--refresh-grace=soon"}, want: []string{`--refresh-grace: "soon" is not a duration`}},
		{name: "an unknown level in a flag", args: []string{"--log-level=loud"}, want: []string{`--log-level: "loud" is not a level: use debug, info, warn or error`}},
		{name: "a malformed number in a flag", args: []string{"--bcrypt-cost=high"}, want: []string{"--bcrypt-cost"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"serve"}, c.args...)
			if c.file != "" {
				args = append(args, "--config=authserver.yaml")
			}
			_, err := parse(t, sources(c.environ, map[string]string{"authserver.yaml": c.file}), args...)
			if err == nil {
				t.Fatal("Parse returned no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Parse returned\n%v\nwant %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

// TestListsInTheFile: a setting that takes several values takes a YAML list of them too.
func TestListsInTheFile(t *testing.T) {
	for _, r := range Table() {
		if !r.takesSeveral() {
			continue
		}
		for _, file := range []string{": a,b", ": [a, b]", ":\n  - a\n  - b\n"} {
			values, err := parseFile("a.yaml", []byte(r.Name+file), every())
			if err != nil || values[r.Name] != "a,b" {
				t.Errorf("%s%s sets %q, %v", r.Name, file, values[r.Name], err)
			}
		}
		for _, file := range []string{": [a, [b]]", ": [a, {b: c}]", ": ['a,b']", ": ['']", ": {a: b}"} {
			if values, err := parseFile("a.yaml", []byte(r.Name+file), every()); err == nil {
				t.Errorf("%s%s sets %q", r.Name, file, values[r.Name])
			}
		}
	}
	values, err := parseFile("a.yaml", []byte("trusted-proxy: []"), every())
	if len(values) != 0 || err != nil {
		t.Errorf("an empty list sets %v, %v", values, err)
	}
}

func TestFilesThatSetNothing(t *testing.T) {
	for _, file := range []string{"", "\n", "# only a comment\n", "---\n", "~", "{}"} {
		if values, err := parseFile("a.yaml", []byte(file), every()); len(values) != 0 || err != nil {
			t.Errorf("parseFile(%q) = %v, %v", file, values, err)
		}
	}
}

func TestKubernetesServiceLinksAreNoSettings(t *testing.T) {
	for _, c := range []struct {
		entry string
		known bool
	}{
		{"AUTHSERVER_SERVICE_HOST=10.0.0.1", true},
		{"AUTHSERVER_SERVICE_PORT=8080", true},
		{"AUTHSERVER_SERVICE_PORT_HTTP=8080", true},
		{"AUTHSERVER_PORT=tcp://10.0.0.1:8080", true},
		{"AUTHSERVER_PORT_8080_TCP=tcp://10.0.0.1:8080", true},
		{"AUTHSERVER_PORT_8080_TCP_PROTO=tcp", true},
		{"AUTHSERVER_PORT_8080_TCP_PORT=8080", true},
		{"AUTHSERVER_PORT_8080_TCP_ADDR=10.0.0.1", true},
		{"AUTHSERVER_OPS_SERVICE_HOST=10.0.0.1", true},
		{"AUTHSERVER_OPS_PORT_9090_TCP=tcp://10.0.0.1:9090", true},
		{"AUTHSERVER_PORT=8080", false},
		{"AUTHSERVER_LISTEN_PORT=8080", false},
	} {
		if _, err := readEnviron([]string{c.entry}, every()); (err == nil) != c.known {
			t.Errorf("readEnviron(%q) returned %v", c.entry, err)
		}
	}
}

func TestASecretAndItsFileFromDifferentSources(t *testing.T) {
	for _, c := range []struct {
		name    string
		args    []string
		environ []string
		file    string
		want    Server
	}{
		{"a flag overrides the file that the settings file names", []string{"--database-url=sqlite:x"}, nil, "database-url-file: db.txt", Server{Database: Database{DatabaseURL: NewSecret("sqlite:x")}}},
		{"a flag that names a file overrides a variable", []string{"--database-url-file=db.txt"}, []string{"AUTHSERVER_DATABASE_URL=sqlite:x"}, "", Server{Database: Database{DatabaseURLFile: "db.txt"}}},
		{"a flag that names a file overrides the master key's variable", []string{"--master-key-file=k"}, []string{"AUTHSERVER_MASTER_KEY=x"}, "", Server{Sealing: Sealing{MasterKeyFile: "k"}}},
		{"the master key's variable overrides the settings file", nil, []string{"AUTHSERVER_MASTER_KEY=x"}, "master-key-file: k", Server{Sealing: Sealing{MasterKey: NewSecret("x")}}},
		{"from one source both stand, to be refused", nil, []string{"AUTHSERVER_MASTER_KEY=x", "AUTHSERVER_MASTER_KEY_FILE=k"}, "", Server{Sealing: Sealing{MasterKey: NewSecret("x"), MasterKeyFile: "k"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"serve"}, c.args...)
			if c.file != "" {
				args = append(args, "--config", "a.yaml")
			}
			got, err := parse(t, sources(c.environ, map[string]string{"a.yaml": c.file}), args...)
			if err != nil {
				t.Fatal(err)
			}
			s := got.Serve.Server
			read := Server{Database: s.Database, Sealing: s.Sealing}
			read.DatabaseMaxConns = 0
			if diff := cmp.Diff(c.want, read, cmp.AllowUnexported(Secret{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHelpNamesTheVariables(t *testing.T) {
	var c cli
	var out bytes.Buffer
	parser, err := kong.New(&c, append(Options(sources(nil, nil)), kong.Writers(&out, &out), kong.Exit(func(int) {}))...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"serve", "--help"}); err != nil {
		t.Log(err) // kong continues, because the test has replaced its exit
	}
	for _, want := range []string{"--database-url=URL", "($AUTHSERVER_DATABASE_URL)", "Passwords"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the help lacks %s:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "--master-key=") {
		t.Error("the help offers --master-key")
	}
}

func FuzzParseFile(f *testing.F) {
	for _, seed := range []string{
		"", "listen: a:1", "databse-url: x", "listen: [", "a: &x 1\nlisten: *x", "? [a]\n: b", "---\n---\n", "<<: {listen: a}", "listen: !!binary aGk=", "{}", "- a", "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		values, err := parseFile("a.yaml", []byte(content), every())
		if err != nil {
			return
		}
		for _, r := range Table() {
			if text, ok := values[r.Name]; ok && (r.File == "" || text == "" || r.check(r.Name, text) != nil) {
				t.Errorf("parseFile(%q) sets %s to %q", content, r.Name, text)
			}
		}
	})
}
