package agreement

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"authserver/test/harness"
)

// pollInterval is the shortest that the setting allows.
const pollInterval = time.Second

// way is a way in which replicas learn of changes.
type way struct {
	name     string
	deploy   func(testing.TB) *harness.Deployment
	replicas int
	within   time.Duration // the promise for the 99th percentile
	pause    time.Duration // the longest random delay of a round
	hinder   func(testing.TB, *harness.Deployment)
}

func ways() []way {
	unhindered := func(testing.TB, *harness.Deployment) {}
	const notified = 100 * time.Millisecond
	return []way{
		{"postgres", harness.PostgreSQL, 3, notified, 0, unhindered},
		{"sqlite", harness.SQLite, 2, notified, 0, unhindered},
		{"postgres, listeners cut off", harness.PostgreSQL, 3, pollInterval, 0, cutOff},
		{"postgres, no notifications", harness.PostgreSQL, 3, pollInterval, pollInterval, silence},
	}
}

// between is how long a listener may live.
const between = 20 * time.Millisecond

// cutOff ends every listening connection, again and again, until the test ends.
func cutOff(tb testing.TB, d *harness.Deployment) {
	tb.Helper()
	conn := connect(tb, d)
	ctx, cancel := context.WithCancel(tb.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ticks := time.NewTicker(between); ctx.Err() == nil; <-ticks.C {
			_, err := conn.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND query LIKE 'LISTEN%'`)
			if err != nil && ctx.Err() == nil {
				tb.Error(err)
				return
			}
		}
	}()
	tb.Cleanup(func() {
		cancel()
		<-ended
	})
}

// silence removes all notifications while every listener waits for them, like a connection that has
// died unnoticed.
func silence(tb testing.TB, d *harness.Deployment) {
	tb.Helper()
	if _, err := connect(tb, d).Exec(tb.Context(), `DO $$
		DECLARE t record;
		BEGIN
			FOR t IN SELECT tgrelid::regclass AS of, tgname FROM pg_trigger WHERE tgfoid = 'authserver_notify'::regproc LOOP
				EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', t.of, t.tgname);
			END LOOP;
			IF NOT FOUND THEN RAISE 'there is no trigger'; END IF;
		END $$`); err != nil {
		tb.Fatal(err)
	}
}

func connect(tb testing.TB, d *harness.Deployment) *pgx.Conn {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), d.DatabaseURL())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}
