//go:build interop

package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// programTimeout bounds one program, on a machine that runs other tests at the same time.
const programTimeout = 3 * time.Minute

// program is a foreign client that makes the checks.
type program struct {
	name    string
	command []string
	checks  []string // the checks that it must report
}

// report is a line that a program prints.
type report struct {
	Check  string `json:"check"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

func (i installed) programs(t *testing.T) []program {
	t.Helper()
	modules := i.nodeFolder(t, "node/checks.mjs", "node/openid-client.mjs", "node/oauth4webapi.mjs", "node/trust.mjs", "node/simple-oauth2.mjs")
	java := i.java(t)
	return []program{
		{"openid-client", []string{"node", filepath.Join(modules, "openid-client.mjs")}, checks()},
		{"oauth4webapi", []string{"node", filepath.Join(modules, "oauth4webapi.mjs")}, checks()},
		{"authlib", []string{i.python, "python/main.py"}, checksBut(twoResources)},
		{"nimbus", java("Main"), checks()},
		{"simple-oauth2", []string{"node", filepath.Join(modules, "simple-oauth2.mjs")}, simple()},
		{"Apache HttpClient", java("Apache"), forms()},
		{"python-jose", []string{i.python, "python/pythonjose.py"}, byOrder()},
		{"oauth4webapi without secrets", []string{"node", filepath.Join(modules, "trust.mjs")}, append(signing(), proofs()...)},
		{"authlib without secrets", []string{i.python, "python/trust.py"}, signing()},
		{"service accounts", []string{i.python, "python/accounts.py"}, accounts()},
		{"nimbus without secrets", java("Trust"), signing()},
		{"spring without secrets", java("Spring"), signing()},
	}
}

// java compiles the folder java, and returns a function for the command that runs a class.
func (i installed) java(t *testing.T) func(class string) []string {
	t.Helper()
	classes := t.TempDir()
	sources, err := filepath.Glob("java/*.java")
	if err != nil {
		t.Fatal(err)
	}
	run(t, ".", "javac", append(briefly("-J", "-classpath", i.jars, "-d", classes), sources...)...)
	return func(class string) []string {
		return append([]string{"java"}, briefly("", "-classpath", classes+string(os.PathListSeparator)+i.jars, class)...)
	}
}

// briefly adds arguments of Java in front, each with a prefix, that limit its compiler. Otherwise half
// of the CPU time goes into optimizations that help only after minutes.
func briefly(prefix string, arguments ...string) []string {
	return append([]string{prefix + "-XX:TieredStopAtLevel=1", prefix + "-XX:+UseSerialGC"}, arguments...)
}

// nodeFolder returns a folder with the modules and their imports: Node looks for packages only
// there.
func (i installed) nodeFolder(t *testing.T, modules ...string) string {
	t.Helper()
	folder := t.TempDir()
	copyInto(t, folder, modules...)
	if err := os.Symlink(i.nodeModules, filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return folder
}

// run makes a subtest of every check that the program must report.
func (p program) run(t *testing.T, registered any) {
	config, err := json.Marshal(registered)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), programTimeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	command := foreign(ctx, p.command...)
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(config), &stdout, &stderr
	if err := command.Run(); err != nil {
		t.Errorf("%v\n%s", err, stderr.String())
	}
	reports := readReports(t, stdout.Bytes())
	for _, name := range p.checks {
		got, ok := reports[name]
		delete(reports, name)
		t.Run(name, func(t *testing.T) {
			if !ok {
				t.Fatal("the program did not report it")
			}
			if !got.OK {
				t.Fatal(got.Detail)
			}
		})
	}
	for name := range reports {
		t.Errorf("the program reports an unexpected check: %q", name)
	}
}

func readReports(t *testing.T, out []byte) map[string]report {
	t.Helper()
	reports := map[string]report{}
	for line := range bytes.Lines(out) {
		var r report
		if err := json.Unmarshal(line, &r); err != nil {
			t.Errorf("not a report: %s", line)
			continue
		}
		if _, ok := reports[r.Check]; ok {
			t.Errorf("reported twice: %q", r.Check)
		}
		reports[r.Check] = r
	}
	return reports
}

// foreign returns a command that leaves nothing in the tree and connects to the loopback interface
// directly, even if a proxy is configured.
func foreign(ctx context.Context, argv ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, argv[0], argv[1:]...)
	command.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	return command
}
