package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"authserver/internal/store"
)

// How often a watcher looks for changes, and how long it waits after an error.
const (
	watchInterval = 50 * time.Millisecond
	watchPause    = time.Second
)

// Watch reads PRAGMA data_version, which changes with every commit of another connection and is in
// memory. Only if it has changed, Watch reads the table with the changed topics.
func (d *DB) Watch(ctx context.Context, changed chan<- store.Topic) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for ctx.Err() == nil {
		// An error may have hidden a change, so watch begins with every topic again.
		if err := d.watch(ctx, tick.C, changed); err != nil && ctx.Err() == nil {
			_ = pause(ctx, watchPause)
		}
	}
}

func (d *DB) watch(ctx context.Context, tick <-chan time.Time, changed chan<- store.Topic) (err error) {
	db, err := d.openPool(readerDSN(d.path, d.busy), 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	var seen int64
	known := map[store.Topic]int64{}
	for {
		var version int64
		if err := conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version); err != nil {
			return err
		}
		if version != seen {
			now, err := versions(ctx, conn)
			if err != nil {
				return err
			}
			for _, topic := range store.Topics() {
				if before, ok := known[topic]; ok && before == now[topic] {
					continue
				}
				select {
				case changed <- topic:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			seen, known = version, now
		}
		select {
		case <-tick:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func versions(ctx context.Context, conn *sql.Conn) (map[store.Topic]int64, error) {
	rows, err := conn.QueryContext(ctx, "SELECT topic, version FROM changes")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	found := map[store.Topic]int64{}
	for rows.Next() {
		var topic store.Topic
		var version int64
		if err := rows.Scan(&topic, &version); err != nil {
			return nil, err
		}
		found[topic] = version
	}
	return found, rows.Err()
}

// pause waits for d, or until ctx ends and returns its error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
