package harness

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"authserver/test/pgtest"
)

// Issuer is the issuer identifier of every deployment: it does not depend on the addresses of the
// replicas.
const Issuer = "https://auth.example.test"

// Deployment is a database with its settings, on which commands and servers run.
type Deployment struct {
	t      testing.TB
	Dir    string
	Engine string   // "sqlite" or "postgres"
	Env    []string // settings, as AUTHSERVER_ variables; later ones win
	Binary string   // the binary to run; "": the one from [Binary]

	databaseURL string
	database    *pgtest.Database // nil: it need not be made
}

// SQLite makes a deployment on an empty SQLite database.
func SQLite(t testing.TB) *Deployment {
	dir := t.TempDir()
	return deploy(t, dir, "sqlite", "sqlite:"+filepath.Join(dir, "authserver.db"), nil)
}

// PostgreSQL makes a deployment on an empty database of a real server.
func PostgreSQL(t testing.TB) *Deployment {
	database := pgtest.New(t)
	return deploy(t, t.TempDir(), "postgres", database.URL, database)
}

// PostgreSQLAlone is PostgreSQL on a server that no other test uses.
func PostgreSQLAlone(t testing.TB) *Deployment {
	return deploy(t, t.TempDir(), "postgres", pgtest.Alone(t), nil)
}

// OnBoth runs a test on each engine.
func OnBoth(t *testing.T, test func(t *testing.T, d *Deployment)) {
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, PostgreSQL(t)) })
}

func deploy(t testing.TB, dir, engine, databaseURL string, database *pgtest.Database) *Deployment {
	t.Helper()
	d := &Deployment{t: t, Dir: dir, Engine: engine, databaseURL: databaseURL}
	d.Set("DATABASE_URL", databaseURL)
	d.Set("ISSUER", Issuer)
	d.Set("LISTEN", "127.0.0.1:0")
	d.Set("OPS_LISTEN", "127.0.0.1:0")
	d.Set("BCRYPT_COST", "4") // the tests are not about the slowness of bcrypt
	d.Set("MASTER_KEY_FILE", d.File("master.key", masterKey(d)))
	d.database = database // the command that makes a master key does not need it
	return d
}

var (
	madeMaster sync.Mutex
	master     string
)

// masterKey returns the key of every deployment of a package, because no test needs different ones
// and the command takes a tenth of a second.
func masterKey(d *Deployment) string {
	d.t.Helper()
	madeMaster.Lock()
	defer madeMaster.Unlock()
	if master == "" {
		master = d.Run("key", "generate-master")
	}
	return master
}

// Set changes a setting for everything that is started from then on.
func (d *Deployment) Set(name, value string) {
	d.Env = append(d.Env, "AUTHSERVER_"+name+"="+value)
}

// DatabaseURL returns the URL at which the database was made. A later change of the setting does
// not change it.
func (d *Deployment) DatabaseURL() string {
	d.t.Helper()
	d.makeDatabase()
	return d.databaseURL
}

// BeginWith makes the PostgreSQL database a copy of a template. Call it before any command has run
// on the database.
func (d *Deployment) BeginWith(template *pgtest.Template) {
	d.t.Helper()
	template.Copy(d.database)
}

// makeDatabase makes the database empty, unless there is one.
func (d *Deployment) makeDatabase() {
	d.t.Helper()
	if d.database != nil {
		d.database.Make()
	}
}

// File writes a file into the deployment's folder and returns its path.
func (d *Deployment) File(name, content string) string {
	d.t.Helper()
	path := filepath.Join(d.Dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return path
}

// Run runs a command that must succeed, and returns its standard output.
func (d *Deployment) Run(args ...string) string {
	d.t.Helper()
	return d.RunWith("", args...)
}

// RunWith is Run with a standard input.
func (d *Deployment) RunWith(stdin string, args ...string) string {
	d.t.Helper()
	stdout, stderr, code := d.Try(stdin, args...)
	if code != 0 {
		d.t.Fatalf("authserver %s: exit code %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

// JSON runs a command with -o json and returns its answer.
func (d *Deployment) JSON(stdin string, args ...string) map[string]any {
	d.t.Helper()
	out := d.RunWith(stdin, append(slices.Clone(args), "-o", "json")...)
	var answer map[string]any
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		d.t.Fatalf("authserver %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return answer
}

// Try runs a command and returns its output and its exit code.
func (d *Deployment) Try(stdin string, args ...string) (stdout, stderr string, code int) {
	d.t.Helper()
	var out, errs bytes.Buffer
	command := d.command(args...)
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(stdin), &out, &errs
	if err := command.Run(); command.ProcessState == nil {
		d.t.Fatalf("authserver %s: %v", strings.Join(args, " "), err)
	}
	return out.String(), errs.String(), command.ProcessState.ExitCode()
}

// Interrupt runs a command and ends it as a power cut does, a while after its standard error has
// contained a text. It reports whether the command had ended before; a failure of the command is an
// error.
func (d *Deployment) Interrupt(said string, after time.Duration, args ...string) (done bool) {
	d.t.Helper()
	command := d.command(args...)
	stderr, err := command.StderrPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		d.t.Fatal(err)
	}
	var heard []byte
	for buffer := make([]byte, 1<<10); err == nil && !bytes.Contains(heard, []byte(said)); {
		var n int
		n, err = stderr.Read(buffer)
		heard = append(heard, buffer[:n]...)
	}
	cut := time.AfterFunc(after, func() { _ = command.Process.Kill() }) // the command may have ended before
	defer cut.Stop()
	rest, _ := io.ReadAll(stderr) // until the command ends
	_ = command.Wait()            // ProcessState has the result
	if command.ProcessState.Exited() && command.ProcessState.ExitCode() != 0 {
		d.t.Fatalf("authserver %s: exit code %d\n%s%s", strings.Join(args, " "), command.ProcessState.ExitCode(), heard, rest)
	}
	return command.ProcessState.Exited()
}

func (d *Deployment) command(args ...string) *exec.Cmd {
	d.t.Helper()
	d.makeDatabase()
	binary := d.Binary
	if binary == "" {
		binary = Binary(d.t)
	}
	command := exec.Command(binary, args...)
	command.Dir = d.Dir
	command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + d.Dir}, d.Env...)
	return command
}
