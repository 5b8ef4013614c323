package postgres

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"authserver/internal/store"
	"authserver/test/pgtest"
)

// patient is how long a watcher may take on a busy machine, in tests that are not about time.
const patient = 2 * time.Minute

func watched(t *testing.T) (*DB, *pgx.Conn) {
	t.Helper()
	url := pgtest.URL(t)
	d, err := Open(t.Context(), Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	if err := d.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	admin, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close(context.Background()) })
	return d, admin
}

func watch(t *testing.T, d *DB) <-chan store.Topic {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	topics, ended := make(chan store.Topic), make(chan struct{})
	go func() {
		d.Watch(ctx, topics)
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return topics
}

// wantEvery requires one of each topic.
func wantEvery(t *testing.T, topics <-chan store.Topic, patience time.Duration) {
	t.Helper()
	timer := time.After(patience)
	var got []store.Topic
	for len(got) < len(store.Topics()) {
		select {
		case topic := <-topics:
			got = append(got, topic)
		case <-timer:
			t.Fatalf("told of %v only", got)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, slices.Sorted(slices.Values(store.Topics()))) {
		t.Fatalf("told of %v", got)
	}
}

// settle waits until the watcher has received its own notification: until then it sends every topic
// again and again.
func settle(topics <-chan store.Topic) {
	for {
		select {
		case <-topics:
		case <-time.After(2 * watchBlind):
			return
		}
	}
}

func wantTopic(t *testing.T, topics <-chan store.Topic, want store.Topic) {
	t.Helper()
	select {
	case got := <-topics:
		if got != want {
			t.Fatalf("told of %s, want %s", got, want)
		}
	case <-time.After(patient): // storetest requires less than a second
		t.Fatalf("not told of %s", want)
	}
}

func revokeSome(t *testing.T, d *DB, value string) {
	t.Helper()
	v := store.Void{Kind: store.RevokedToken, Value: value, Before: time.Unix(1, 0), Until: time.Unix(2, 0)}
	if err := d.Revoke(t.Context(), v); err != nil {
		t.Fatal(err)
	}
}

func TestWatcherConnectsAgain(t *testing.T) {
	t.Parallel()
	d, admin := watched(t)
	topics := watch(t, d)
	wantEvery(t, topics, patient)
	settle(topics)
	for _, value := range []string{"1", "2"} {
		tag, err := admin.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND query LIKE 'LISTEN%'`)
		if err != nil || tag.RowsAffected() < 1 { // or one of an earlier watcher that has not quite ended
			t.Fatal(tag, err)
		}
		wantEvery(t, topics, patient)
		settle(topics)
		revokeSome(t, d, value)
		wantTopic(t, topics, store.TopicRevocations)
	}
}

// TestWatcherThatHearsNothing listens in another database, where none of our notifications is
// delivered, as with PgBouncer in transaction mode. The test runs alone, and has five times as long
// as it needs.
func TestWatcherThatHearsNothing(t *testing.T) {
	d, _ := watched(t)
	d.session.Database = "postgres"
	topics := watch(t, d)
	wantEvery(t, topics, patient)
	wantEvery(t, topics, 5*watchBlind)
	wantEvery(t, topics, 5*watchBlind)
}

// TestBurstIsToldOnce: a receiver is slow while a thousand changes come.
func TestBurstIsToldOnce(t *testing.T) {
	told := &pending{wake: make(chan struct{}, 1)}
	for range 1000 {
		told.hear("revocations")
		told.hear("echo of another process")
	}
	told.hear("keys")
	ctx, cancel := context.WithCancel(t.Context())
	topics, ended := make(chan store.Topic), make(chan struct{})
	go func() {
		told.pass(ctx, topics)
		close(ended)
	}()
	wantTopic(t, topics, store.TopicRevocations)
	wantTopic(t, topics, store.TopicKeys)
	cancel()
	<-ended
	if topic, some := told.take(); some {
		t.Errorf("%s is told again", topic)
	}
}

// TestIdleIsFree: an idle store makes no query. The test runs alone, because a watcher whose own
// notification is late makes queries.
func TestIdleIsFree(t *testing.T) {
	d, admin := watched(t)
	topics := watch(t, d)
	wantEvery(t, topics, patient)
	settle(topics)
	asked := func() (moments []time.Time) {
		rows, err := admin.Query(t.Context(), `SELECT query_start FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = 'authserver' ORDER BY pid`)
		if err != nil {
			t.Fatal(err)
		}
		moments, err = pgx.CollectRows(rows, pgx.RowTo[time.Time])
		if err != nil {
			t.Fatal(err)
		}
		return moments
	}
	before := asked()
	select {
	case topic := <-topics:
		t.Errorf("told of %s", topic)
	case <-time.After(3 * time.Second):
	}
	if after := asked(); len(after) == 0 || !slices.EqualFunc(before, after, time.Time.Equal) {
		t.Errorf("the last queries were at %v, and later at %v", before, after)
	}
}
