package main

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"authserver/internal/config"
)

func leaves(t *testing.T) []*kong.Node {
	t.Helper()
	parser, err := newParser(&bytes.Buffer{}, &bytes.Buffer{}, nil, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model.Leaves(false)
}

// execute runs the command line without a process, and returns its output.
func execute(args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	code = run(append([]string{"authserver"}, args...), strings.NewReader(""), &out, &errs, nil)
	return out.String(), errs.String(), code
}

// TestHelp: the help of a command fits a screen, names every flag, and has an example and none of
// the settings. help COMMAND prints the same, and --help-all explains every flag.
func TestHelp(t *testing.T) {
	for _, leaf := range leaves(t) {
		words := strings.Fields(leaf.Path())
		t.Run(leaf.Path(), func(t *testing.T) {
			out, stderr, code := execute(append(words, "--help")...)
			if code != exitDone || stderr != "" {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
			if lines := strings.Count(out, "\n"); lines > screenLines {
				t.Errorf("%d lines, want at most %d:\n%s", lines, screenLines, out)
			}
			whole, _, code := execute(append(words, "--help-all")...)
			for _, f := range leaf.Flags {
				name := "--" + f.Name
				if f.Tag.Negatable != "" {
					name = "--[no-]" + f.Name
				}
				explained := strings.Contains(whole, name+" ") || strings.Contains(whole, name+"=") || strings.Contains(whole, name+"\n")
				if !f.Tag.Has("setting") && (!strings.Contains(out, f.Name) || code != exitDone || !explained) {
					t.Errorf("--help should name --%s, and --help-all, which ends with %d, explain it:\n%s\n%s", f.Name, code, out, whole)
				}
			}
			if strings.Contains(out, "$AUTHSERVER_") {
				t.Errorf("it shows settings:\n%s", out)
			}
			if again, _, _ := execute(append([]string{"help"}, words...)...); again != out {
				t.Errorf("authserver help %s differs:\n%s", leaf.Path(), cmp.Diff(out, again))
			}
			settings, _, code := execute(append(words, "--help-settings")...)
			for _, r := range config.Table() {
				if want := r.Flag != "" && hasFlag(leaf, r.Name); code != exitDone || strings.Contains(settings, "($"+r.Env+")") != want {
					t.Errorf("--help-settings ends with %d, and should show %s: %v\n%s", code, r.Name, want, settings)
				}
			}
		})
	}
}

// TestHelpOfGroups: the help of a group of commands fits a screen, names each of them, and has an
// example too.
func TestHelpOfGroups(t *testing.T) {
	parser, err := newParser(&bytes.Buffer{}, &bytes.Buffer{}, nil, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range append([]*kong.Node{parser.Model.Node}, parser.Model.Children...) {
		if len(group.Children) == 0 {
			continue
		}
		out, stderr, code := execute(append(strings.Fields(group.Path()), "--help")...)
		if lines := strings.Count(out, "\n"); code != exitDone || stderr != "" || lines > screenLines || !strings.Contains(out, "\nExample:\n  authserver "+group.Path()) {
			t.Errorf("%s --help ends with %d and has %d lines: %s%s", group.Path(), code, lines, out, stderr)
		}
		for _, child := range group.Children {
			if !child.Hidden && !strings.Contains(out, child.Name) {
				t.Errorf("%s --help does not name %s", group.Path(), child.Name)
			}
		}
	}
}

func hasFlag(leaf *kong.Node, name string) bool {
	return slices.ContainsFunc(leaf.Flags, func(f *kong.Flag) bool { return f.Name == name })
}

// TestSettingsOfCommands: a command that reads settings reads the settings file, and serve
// and dev read every setting.
func TestSettingsOfCommands(t *testing.T) {
	for _, leaf := range leaves(t) {
		if hasSettings(leaf) && !hasFlag(leaf, "config") {
			t.Errorf("%s reads settings, and not the file", leaf.Path())
		}
		for _, r := range config.Table() {
			if path := leaf.Path(); (path == "serve" || path == "dev") && r.Flag != "" && !hasFlag(leaf, r.Name) {
				t.Errorf("%s does not read %s", path, r.Name)
			}
		}
	}
}

// TestSettingsThatACommandDoesNotRead: the command refuses the flag of such a setting with the
// reason, and completion does not offer it.
func TestSettingsThatACommandDoesNotRead(t *testing.T) {
	for command, flag := range map[string]string{
		"client list": "--key-poll-interval", "user create": "--refresh-grace", "healthcheck": "--bcrypt-cost", "key plan": "--pkcs11-module", "migrate up": "--no-migrate",
	} {
		_, stderr, code := execute(append(strings.Fields(command), flag+"=x")...)
		want := flag + " is a setting that authserver " + command + " does not read: leave it out here"
		if code != exitUsage || !strings.Contains(stderr, "unknown flag "+flag) || !strings.Contains(stderr, want) {
			t.Errorf("%s %s ends with %d: %s", command, flag, code, stderr)
		}
		offered, _, _ := execute(append(append([]string{"complete", "--"}, strings.Fields(command)...), flag)...)
		if offered != "" {
			t.Errorf("%s %s is completed to %s", command, flag, offered)
		}
	}
	if _, stderr, _ := execute("client", "list", "--databse-url=x"); strings.Contains(stderr, "is a setting") {
		t.Errorf("of a name that is no setting it says: %s", stderr)
	}
}

// TestExamples: each command has an example, which the command line accepts.
func TestExamples(t *testing.T) {
	for _, leaf := range leaves(t) {
		example := leaf.Tag.Get("example")
		if !strings.Contains(example, "authserver "+leaf.Path()) {
			t.Errorf("%s has the example %q", leaf.Path(), example)
			continue
		}
		_, line, _ := strings.Cut(example, "authserver ")
		line, _, _ = strings.Cut(strings.TrimSuffix(line, ")"), " <")
		line, _, _ = strings.Cut(line, " > ")
		out, err := exec.Command("sh", "-c", `printf '%s\n' `+line).Output()
		if err != nil {
			t.Fatal(err)
		}
		parser, err := newParser(&bytes.Buffer{}, &bytes.Buffer{}, nil, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		// A settings file in an example does not exist here.
		args := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
		if _, err := parser.Parse(args); err != nil && !strings.Contains(err.Error(), "authserver.yaml") {
			t.Errorf("%s: %v", example, err)
		}
	}
}

func TestVersionFlag(t *testing.T) {
	flag, _, code := execute("--version")
	command, _, _ := execute("version")
	if code != exitDone || flag != command || !strings.HasPrefix(flag, "authserver ") {
		t.Errorf("--version prints %q and ends with %d, version prints %q", flag, code, command)
	}
}

func TestHelpOfWhatIsNotThere(t *testing.T) {
	_, stderr, code := execute("help", "client", "creat")
	if code != exitUsage || !strings.Contains(stderr, `did you mean "create"`) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestCandidates(t *testing.T) {
	for words, want := range map[string]string{
		"cl":                     "client",
		"client r":               "rotate-secret",
		"client list --ou":       "--output",
		"client list -o ":        "json table",
		"client list --output t": "table",
		"completion ":            "bash fish zsh",
		"client show ":           "", // completion does not know identifiers: the shell offers files
		"serve --log-f":          "--log-format",
		"client list --output=j": "--output=json", // in the form of zsh and fish
		"client list --output =": "json table",    // in the form of bash
		"client list -o = j":     "json",
		"client update --no-dp":  "--no-dpop-bound",
		"help client rot":        "rotate-secret",
		"help cl":                "client",
	} {
		out, _, code := execute(append([]string{"complete", "--"}, strings.Split(words, " ")...)...)
		if got := strings.Join(strings.Fields(out), " "); code != exitDone || got != want {
			t.Errorf("%q completes to %q, want %q", words, got, want)
		}
	}
}

// TestBashCompletion completes a command in bash, as a user does with the tab key.
func TestBashCompletion(t *testing.T) {
	script, _, code := execute("completion", "bash")
	if code != exitDone {
		t.Fatalf("exit code %d", code)
	}
	command := exec.Command("bash", "-c", script+`
authserver() { local IFS=' '; printf 'list\n'; [ "$*" = 'complete -- client l' ] || printf 'another question: %s\n' "$*"; }
COMP_WORDS=(authserver client l); COMP_CWORD=2; _authserver
echo "${COMPREPLY[@]}"
authserver() { printf 'json\ntable\n'; }
COMP_WORDS=(authserver client list --output =); COMP_CWORD=4; _authserver
echo "${COMPREPLY[@]}"`)
	out, err := command.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "list\njson table" {
		t.Errorf("bash completes to %q, %v", out, err)
	}
}
