package blackbox

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"authserver/test/harness"
	"authserver/test/pgtest"
)

// registered is what the commands of [registerByCommands] left on an engine: their files,
// SQLite's database among them, and a template of PostgreSQL's.
type registered struct {
	made     sync.Mutex
	fixture  *fixture // nil: not yet
	files    map[string]string
	template *pgtest.Template // nil on SQLite
}

var registeredOn = map[string]*registered{"sqlite": {}, "postgres": {}}

// copy makes a deployment, on which no command has run yet, one in which all of them have.
func (r *registered) copy(t *testing.T, d *harness.Deployment) *fixture {
	t.Helper()
	r.made.Lock()
	defer r.made.Unlock()
	if r.fixture == nil {
		return r.keep(t, registerByCommands(t, d))
	}
	for name, content := range r.files {
		d.File(name, content)
	}
	if r.template != nil {
		r.template.Copy(t, d.DatabaseURL())
	}
	f := *r.fixture
	f.Deployment = d
	return &f
}

// keep keeps the fixture of the first test.
func (r *registered) keep(t *testing.T, f *fixture) *fixture {
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
	return f
}

// dropRegistered removes what a PostgreSQL server would keep.
func dropRegistered() error {
	if template := registeredOn["postgres"].template; template != nil {
		return template.Drop()
	}
	return nil
}
