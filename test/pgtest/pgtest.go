// Package pgtest gives a test a PostgreSQL database of its own, and a wire to it
// that the test can cut.
//
// It refuses to start a server: TEST_DATABASE_URL names one, as a user who may
// create databases. Start at [URL].
package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// URL makes an empty database, dropped after the test, and returns its URL.
// Without a server the test fails.
func URL(t testing.TB) string {
	t.Helper()
	name := "authserver_test_" + strings.ToLower(rand.Text())
	admin := server(t)
	run(t, admin, "CREATE DATABASE "+name+" TEMPLATE template0")
	t.Cleanup(func() { run(t, admin, "DROP DATABASE "+name+" WITH (FORCE)") })
	own := *admin
	own.Path = "/" + name
	return own.String()
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
