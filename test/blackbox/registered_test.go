package blackbox

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"authserver/test/harness"
	"authserver/test/pgtest"
)

// registered is the fixture of the first test of an engine: its files, with SQLite's database among
// them, and a template of PostgreSQL's.
type registered struct {
	make     func(t *testing.T, d *harness.Deployment) *fixture
	made     sync.Mutex
	fixture  *fixture // nil: not yet
	files    map[string]string
	template *pgtest.Template // nil on SQLite
}

// registeredOn is the state after the commands on each engine, and servedOn the state after a first
// server.
var (
	registeredOn = map[string]*registered{"sqlite": {make: registerByCommands}, "postgres": {make: registerByCommands}}
	servedOn     = map[string]*registered{"sqlite": {make: serveOnce}, "postgres": {make: serveOnce}}
)

// serveOnce makes the fixture after a server has run: with the keys that sign and the next ones.
// Making the RSA keys takes longer than most tests.
func serveOnce(t *testing.T, d *harness.Deployment) *fixture {
	t.Helper()
	f := registerUnserved(t, d)
	s := f.Start()
	waitForSet(t, freshKeys, s)
	if code := s.Stop(); code != 0 {
		t.Fatalf("the first server ends with exit code %d:\n%s", code, s.Logs())
	}
	return f
}

// copy makes a deployment, on which no command has run yet, start with that state.
func (r *registered) copy(t *testing.T, d *harness.Deployment) *fixture {
	t.Helper()
	r.made.Lock()
	defer r.made.Unlock()
	if r.fixture == nil { // on a separate deployment, so that the settings of the first test do not matter
		fresh := harness.SQLite
		if d.Engine == "postgres" {
			fresh = harness.PostgreSQL
		}
		r.keep(t, r.make(t, fresh(t)))
	}
	for name, content := range r.files {
		d.File(name, content)
	}
	if r.template != nil {
		d.BeginWith(r.template)
	}
	f := *r.fixture
	f.Deployment = d
	return &f
}

// keep keeps the fixture of the first test.
func (r *registered) keep(t *testing.T, f *fixture) {
	t.Helper()
	r.files = make(map[string]string)
	left, err := filepath.Glob(filepath.Join(f.Dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range left {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r.files[filepath.Base(path)] = string(content)
	}
	if f.Engine == "postgres" {
		r.template = pgtest.Keep(t, f.DatabaseURL())
	}
	r.fixture = f
}

// dropRegistered removes the databases that a PostgreSQL server would keep.
func dropRegistered() error {
	var failed []error
	for _, r := range []*registered{registeredOn["postgres"], servedOn["postgres"]} {
		if r.template != nil {
			failed = append(failed, r.template.Drop())
		}
	}
	return errors.Join(failed...)
}
