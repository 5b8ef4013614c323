package pgtest

import (
	"crypto/rand"
	"net/url"
	"strings"
	"testing"
)

// Template is a database that many tests begin with.
type Template struct {
	admin *url.URL
	name  string
}

// Keep makes a template of the database at a URL, to which nothing may be connected. The caller
// drops it.
func Keep(t testing.TB, from string) *Template {
	t.Helper()
	k := &Template{admin: server(t), name: "authserver_template_" + strings.ToLower(rand.Text())}
	run(t, k.admin, "CREATE DATABASE "+k.name+" TEMPLATE "+databaseOf(t, from))
	return k
}

// Copy makes a database, which must not exist yet, as a copy of the template.
func (k *Template) Copy(to *Database) {
	to.t.Helper()
	if !to.make(k.name) {
		to.t.Fatal("the database was made before it could be a copy")
	}
}

// Drop removes the template.
func (k *Template) Drop() error { return execute(k.admin, "DROP DATABASE "+k.name) }

func databaseOf(t testing.TB, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal("the URL of the database cannot be parsed")
	}
	return strings.TrimPrefix(u.Path, "/")
}
