// Package pgtest gives a test a PostgreSQL database of its own, and a connection to it that the
// test can cut.
//
// It refuses to start a server: TEST_DATABASE_URL names one, with a user who may create databases.
// Start at [URL].
package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// URL makes an empty database, which is dropped after the test, and returns its URL. Without a
// server the test fails.
func URL(t testing.TB) string {
	t.Helper()
	d := New(t)
	d.Make()
	return d.URL
}

// Database is a database of a test. Making one takes the server a tenth of a second of a processor,
// so it is made only when its first content is known.
type Database struct {
	URL string

	t     testing.TB
	admin *url.URL
	name  string
	once  sync.Once
}

// New names a database, which is dropped after the test if it was made.
func New(t testing.TB) *Database {
	t.Helper()
	d := &Database{t: t, admin: server(t), name: "authserver_test_" + strings.ToLower(rand.Text())}
	own := *d.admin
	own.Path = "/" + d.name
	d.URL = own.String()
	t.Cleanup(func() { run(t, d.admin, "DROP DATABASE IF EXISTS "+d.name+" WITH (FORCE)") })
	return d
}

// Make makes the database empty, unless it was made before.
func (d *Database) Make() { d.make("template0") }

// make makes the database as a copy of another, and reports whether it was not made before.
func (d *Database) make(template string) (made bool) {
	d.t.Helper()
	d.once.Do(func() {
		run(d.t, d.admin, "CREATE DATABASE "+d.name+" TEMPLATE "+template)
		made = true
	})
	return made
}

func server(t testing.TB) *url.URL {
	t.Helper()
	text := os.Getenv("TEST_DATABASE_URL")
	if text == "" {
		t.Fatal("TEST_DATABASE_URL is not set: run make test, which starts a PostgreSQL")
	}
	u, err := url.Parse(text)
	if err != nil {
		t.Fatalf("TEST_DATABASE_URL is not a URL: %v", err)
	}
	return u
}

func run(t testing.TB, admin *url.URL, statement string) {
	t.Helper()
	if err := execute(admin, statement); err != nil {
		t.Fatal(err)
	}
}

func execute(admin *url.URL, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, admin.String())
	if err != nil {
		return fmt.Errorf("TEST_DATABASE_URL leads to no PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, statement)
	return err
}
