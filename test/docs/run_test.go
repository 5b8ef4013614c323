package docs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"authserver/test/harness"
	"authserver/test/ports"
)

func TestMain(m *testing.M) { harness.Main(m) }

// shell runs the commands of a page as their reader would, one block after the other, in the folder
// in which `authserver dev` serves.
type shell struct {
	dir  string // in which the commands run
	home string // with the settings of curl
	env  []string
}

// newShell starts a server, with flags in addition to the usual settings, and a shell. The server
// listens on a port of its own, and the settings file of curl redirects the commands to it.
func newShell(t *testing.T, flags ...string) *shell {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("the commands of the documentation need curl: install it with the system's package manager")
	}
	d, s := harness.Dev(t, flags...)
	shell := &shell{dir: d.Dir, home: t.TempDir()}
	shell.env = []string{
		"HOME=" + shell.home,
		"PATH=" + filepath.Dir(harness.Binary(t)) + string(os.PathListSeparator) + os.Getenv("PATH"),
	}
	shell.curl(t, "silent\nshow-error\n")
	shell.redirect(t, "127.0.0.1:8080", strings.TrimPrefix(s.URL, "http://"))
	shell.redirect(t, "localhost:9090", strings.TrimPrefix(s.OpsURL, "http://"))
	return shell
}

// redirect makes curl connect to another address than the one in a page.
func (s *shell) redirect(t *testing.T, from, to string) {
	t.Helper()
	s.curl(t, fmt.Sprintf("connect-to = \"%s:%s\"\n", from, to))
}

// curl adds lines to the settings file of curl.
func (s *shell) curl(t *testing.T, lines string) {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(s.home, ".curlrc"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = file.WriteString(lines); err == nil {
		err = file.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// run runs a text and returns its output.
func (s *shell) run(text string) (string, error) {
	var out, errs bytes.Buffer
	command := exec.Command("sh", "-euc", text)
	command.Dir, command.Env, command.Stdout, command.Stderr = s.dir, s.env, &out, &errs
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("%w\n%s%s", err, out.String(), errs.String())
	}
	return out.String(), nil
}

// runBlocks runs the sh blocks, and compares the output of each with the block after it, if that is
// an answer.
func (s *shell) runBlocks(t *testing.T, blocks []block) {
	t.Helper()
	ran := 0
	for i, b := range blocks {
		if b.language != "sh" {
			continue
		}
		ran++
		out, err := s.run(b.text)
		if err != nil {
			t.Fatalf("%s:%d: %v\n%s", b.page, b.line, err, b.text)
		}
		s.keepTokens(out)
		if i+1 == len(blocks) || blocks[i+1].language == "sh" {
			continue
		}
		printed := blocks[i+1]
		for _, fault := range asPrinted(printed.language, printed.text, out) {
			t.Errorf("%s:%d: the answer is not as printed: %s\n%s", printed.page, printed.line, fault, out)
		}
	}
	if ran == 0 {
		t.Error("nothing was run")
	}
}

// keepTokens does what the pages ask of their reader: it puts the tokens of the last answer into
// these variables.
func (s *shell) keepTokens(out string) {
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if json.Unmarshal([]byte(out), &answer) != nil {
		return
	}
	for name, token := range map[string]string{"ACCESS_TOKEN": answer.Access, "REFRESH_TOKEN": answer.Refresh} {
		if token != "" {
			s.env = append(s.env, name+"="+token) // the last one counts
		}
	}
}

// under returns the blocks of the page below a heading.
func (p page) under(heading string) []block {
	var found []block
	for _, b := range p.blocks {
		if b.chapter == heading || b.section == heading {
			found = append(found, b)
		}
	}
	return found
}

// TestReadme runs the commands of README.md, in a folder with the files that its make targets
// build. It starts the servers itself, on ports of its own.
func TestReadme(t *testing.T) {
	p := readPage(t, "README.md")
	for _, want := range []string{
		"make run", "make test", "go run ./examples/resourceserver", "make build", "bin/authserver serve --config authserver.yaml",
	} {
		if !slices.ContainsFunc(p.blocks, func(b block) bool { return b.language == "shell" && strings.TrimSpace(b.text) == want }) {
			t.Errorf("README.md has no block %q", want)
		}
	}
	address := ports.Address(t)
	s := newShell(t, "--listen", address, "--issuer", "http://"+address) // the issuer of the example
	s.startExample(t, "http://"+address)
	if err := os.Mkdir(filepath.Join(s.dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(harness.Binary(t), filepath.Join(s.dir, "bin", "authserver")); err != nil {
		t.Fatal(err)
	}
	s.runBlocks(t, append(p.under("Get a token"), p.under("Protect an API")...))

	production := p.under("Production")
	serve := slices.IndexFunc(production, func(b block) bool { return strings.HasPrefix(b.text, "bin/authserver serve") })
	s.runBlocks(t, production[:serve])
	command := exec.Command("sh", "-euc", "exec "+strings.TrimSpace(production[serve].text)+" --listen 127.0.0.1:0 --ops-listen 127.0.0.1:0")
	command.Dir = s.dir
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = command.Process.Kill(), command.Wait() })
	waitFor(t, stderr, `"msg":"serving"`)
	s.runBlocks(t, production[serve+1:])
}

// startExample runs the example of an API, and lets curl find it at the address in the README.
func (s *shell) startExample(t *testing.T, issuer string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "resourceserver")
	if out, err := exec.Command("go", "build", "-o", binary, root+"/examples/resourceserver").CombinedOutput(); err != nil {
		t.Fatalf("build the example: %v\n%s", err, out)
	}
	command := exec.Command(binary, "--listen", "127.0.0.1:0", "--issuer", issuer)
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = command.Process.Kill(), command.Wait() })
	line := waitFor(t, stdout, "listening on ")
	_, address, _ := strings.Cut(line, "listening on ")
	s.redirect(t, "127.0.0.1:8081", address)
}

// waitFor reads lines until one contains a text, and returns it. It discards the following lines,
// so that the program that prints them can continue.
func waitFor(t *testing.T, from io.Reader, text string) string {
	t.Helper()
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		if strings.Contains(lines.Text(), text) {
			go func() { _, _ = io.Copy(io.Discard, from) }()
			return lines.Text()
		}
	}
	t.Fatalf("a program ended before it printed %q", text)
	return ""
}

// TestPages runs the commands of the other pages.
func TestPages(t *testing.T) {
	for _, name := range []string{"docs/tokens.md", "docs/clients.md", "docs/jwt-bearer.md"} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t)
			s.prepare(t)
			s.runBlocks(t, readPage(t, name).blocks)
		})
	}
}

// TestKeys runs the commands of docs/keys.md, with a server that has made the next keys and whose
// clients have short lifetimes.
func TestKeys(t *testing.T) {
	s := newShell(t, "--key-poll-interval", "4s")
	s.prepare(t)
	harness.Eventually(t, 30*time.Second, "the next keys are made", func() bool {
		out, err := s.run("authserver key list && authserver key refresh-token-keys")
		return err == nil && strings.Count(out, "pending") == 3
	})
	s.runBlocks(t, readPage(t, "docs/keys.md").blocks)
}

// TestCertificates runs the commands of docs/mtls.md, and in between the server of the page.
func TestCertificates(t *testing.T) {
	d, dev := harness.Dev(t)
	dev.Stop()
	s := &shell{dir: d.Dir, home: d.Dir, env: []string{"HOME=" + d.Dir, "PATH=" + filepath.Dir(harness.Binary(t)) + string(os.PathListSeparator) + os.Getenv("PATH")}}
	blocks := readPage(t, "docs/mtls.md").under("Try it")
	start := slices.IndexFunc(blocks, func(b block) bool { return b.language == "shell" })
	if start < 0 {
		t.Fatal("the page does not start a server")
	}
	s.runBlocks(t, blocks[:start])
	settings, flags, _ := strings.Cut(strings.Join(strings.Fields(continuation.ReplaceAllString(blocks[start].text, " ")), " "), " --tls-certificate-file")
	if settings != "authserver serve --listen 127.0.0.1:8443 --issuer https://localhost:8443" {
		t.Errorf("it is started by %s", settings)
	}
	serving := d.Start(append([]string{
		"--database-url", "sqlite:.authserver/authserver.db", "--master-key-file", ".authserver/master.key", "--issuer", "https://localhost:8443", "--tls-certificate-file",
	}, strings.Fields(flags)...)...)
	s.curl(t, "silent\nshow-error\n")
	s.redirect(t, "localhost:8443", strings.TrimPrefix(serving.URL, "https://"))
	s.runBlocks(t, blocks[start+1:])
}

// TestDevPrintsWhatWorks runs the lines that `authserver dev` prints for its reader to paste.
func TestDevPrintsWhatWorks(t *testing.T) {
	d, s := harness.Dev(t)
	harness.Eventually(t, time.Minute, "dev has printed all", func() bool { return strings.Contains(s.Printed(), "metrics:") })
	sh := &shell{dir: d.Dir, env: []string{"HOME=" + d.Dir, "PATH=" + os.Getenv("PATH")}}
	refresh, ran := "", 0
	for part := range strings.SplitSeq(s.Printed(), "\n\n") {
		_, command, found := strings.Cut(part, "\ncurl ")
		if !found {
			continue
		}
		ran++
		out, err := sh.run("curl -sS " + strings.Replace(command, "REFRESH_TOKEN", refresh, 1))
		var answer map[string]any
		if err != nil || json.Unmarshal([]byte(out), &answer) != nil || answer["access_token"] == nil {
			t.Errorf("%s\nprinted %s %v", part, out, err)
		}
		if refresh == "" {
			refresh, _ = answer["refresh_token"].(string)
		}
	}
	if ran != 5 {
		t.Errorf("%d commands were found in what dev printed:\n%s", ran, s.Printed())
	}
}

// TestGoRunPrintsWhatLasts: the lines to paste from `make run` do not name the program that go run
// has built, which is gone afterwards, and come after the log of the start.
func TestGoRunPrintsWhatLasts(t *testing.T) {
	folder := t.TempDir()
	command := exec.Command("go", "run", "./cmd/authserver", "dev")
	command.Dir = root
	command.Env = append(os.Environ(), "AUTHSERVER_LISTEN=127.0.0.1:0", "AUTHSERVER_OPS_LISTEN=127.0.0.1:0", "AUTHSERVER_ISSUER="+harness.DevIssuer,
		"AUTHSERVER_DATABASE_URL=sqlite:"+filepath.Join(folder, "dev.db"), "AUTHSERVER_MASTER_KEY=c2NyaXB0cyBhcmUgc2VhbGVkIHVuZGVyIHRoaXMga2U=")
	read, write, err := os.Pipe() // one for both, as on a screen
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = read.Close() }()
	command.Stdout, command.Stderr = write, write
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // go run and what it runs
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close() // the child has its own
	t.Cleanup(func() { _, _ = syscall.Kill(-command.Process.Pid, syscall.SIGINT), command.Wait() })
	var screen []string
	lines := bufio.NewScanner(read)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "metrics:") {
		screen = append(screen, lines.Text())
	}
	all := strings.Join(screen, "\n")
	log, paste, found := strings.Cut(all, "\n\nauthserver is ready")
	if !found || !strings.Contains(log, "msg=serving") || strings.Contains(paste, "level=") {
		t.Errorf("the lines to paste do not follow the log:\n%s", all)
	}
	if n := strings.Count(log, "signing key published"); n != 4 {
		t.Errorf("%d keys are in the log before the lines to paste, want that of each algorithm and its successor:\n%s", n, log)
	}
	if strings.Contains(paste, "go-build") || strings.Count(paste, "go run ./cmd/authserver ") != 2 {
		t.Errorf("the lines to paste name a program that will be gone:\n%s", paste)
	}

	// The program that go run built is gone now, and the line that makes an assertion still works.
	_, _ = syscall.Kill(-command.Process.Pid, syscall.SIGINT), command.Wait()
	assertion := regexp.MustCompile(`(?s)\$\((printf .*?--secret-file -)\)`).FindStringSubmatch(paste)
	if assertion == nil {
		t.Fatalf("no line makes an assertion:\n%s", paste)
	}
	pasted := exec.CommandContext(t.Context(), "sh", "-c", assertion[1])
	pasted.Dir = root
	out, err := pasted.CombinedOutput()
	if err != nil || strings.Count(string(out), ".") != 2 {
		t.Errorf("%s prints %q, %v", assertion[1], out, err)
	}
}
