package pgtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Pool lends migrated databases to tests, each to one test at a time. Making, migrating and
// dropping a database takes longer than most tests.
type Pool struct {
	t       testing.TB
	migrate func(url string) error

	mu   sync.Mutex
	free []string
}

// NewPool makes a pool that ends with a test. migrate makes the schema of a database.
func NewPool(t testing.TB, migrate func(url string) error) *Pool {
	return &Pool{t: t, migrate: migrate}
}

// URL lends a database until a test is over, in its state after the migrations.
func (p *Pool) URL(t testing.TB) string {
	t.Helper()
	lent := p.take()
	if lent == "" {
		lent = p.add(t)
	}
	t.Cleanup(func() {
		if t.Failed() {
			return // what a failed test leaves may make another test fail
		}
		if err := change(lent, restored); err != nil {
			t.Errorf("make the database as it was: %v", err)
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.free = append(p.free, lent)
	})
	return lent
}

func (p *Pool) take() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 {
		return ""
	}
	last := len(p.free) - 1
	lent := p.free[last]
	p.free = p.free[:last]
	return lent
}

func (p *Pool) add(t testing.TB) string {
	t.Helper()
	lent := URL(p.t)
	if err := p.migrate(lent); err != nil {
		t.Fatal(err)
	}
	if err := change(lent, keep); err != nil {
		t.Fatal(err)
	}
	return lent
}

// keep copies the rows of the migrations, and restored replaces all rows by them. Triggers and
// foreign keys are off meanwhile.
const (
	keep = `DO $$ DECLARE name text; BEGIN
	CREATE SCHEMA kept;
	FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
		EXECUTE format('CREATE TABLE kept.%I AS TABLE public.%I', name, name);
	END LOOP;
END $$`
	restored = `DO $$ DECLARE name text; BEGIN
	SET LOCAL session_replication_role = replica;
	FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'kept' LOOP
		EXECUTE format('DELETE FROM public.%I', name);
		EXECUTE format('INSERT INTO public.%I OVERRIDING SYSTEM VALUE SELECT * FROM kept.%I', name, name);
	END LOOP;
	FOR name IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' LOOP
		EXECUTE format('ALTER SEQUENCE public.%I RESTART', name);
	END LOOP;
END $$`
)

// change gives up after a minute, because a connection that a test left in a transaction would
// block it.
func change(lent, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, lent)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, statement)
	return err
}
