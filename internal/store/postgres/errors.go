package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"authserver/internal/store"
)

// fault returns an error with the operation, the cause, and the error of package store that a
// caller may act on.
func fault(doing string, err error) error {
	if err == nil {
		return nil
	}
	if kind := kindOf(err); kind != nil && !errors.Is(err, kind) {
		return fmt.Errorf("%s: %w: %w", doing, kind, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func kindOf(err error) error {
	var e *pgconn.PgError
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return store.ErrNotFound
	case errors.As(err, &connect): // whatever the server answered
		return store.ErrUnavailable
	case errors.As(err, &e) && e.ConstraintName == oneName:
		return store.ErrNameTaken
	case errors.As(err, &e):
		return kindOfCode(e.Code)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled),
		errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed), pgconn.Timeout(err), pgconn.SafeToRetry(err):
		return store.ErrUnavailable
	}
	return nil
}

// oneName is the constraint in the errors of the triggers that keep a name for one noun.
const oneName = "one_name"

// notSent is the error of a statement that never went out.
type notSent struct{ cause error }

func (e *notSent) Error() string { return e.cause.Error() }
func (e *notSent) Unwrap() error { return e.cause }

// notDone reports whether a single statement certainly changed nothing. A statement that was sent
// and not answered may have been committed.
func notDone(err error) bool {
	var e *pgconn.PgError
	var connect *pgconn.ConnectError
	var unsent *notSent
	switch {
	case errors.As(err, &unsent), errors.As(err, &connect), pgconn.SafeToRetry(err):
		return true
	case !errors.As(err, &e):
		return false
	}
	// The server undoes a statement that it refuses. A connection may also end after the commit.
	return len(e.Code) == 5 && e.Code[:2] != "08" && e.Code[:2] != "57" && e.Code[:2] != "58"
}

// readOnlyServer is the SQLSTATE read_only_sql_transaction.
const readOnlyServer = "25006"

// notOurSchema reports whether an SQLSTATE says that the schema is not the one that this binary was
// made for: undefined_table, undefined_column, undefined_function, or insufficient_privilege for an
// existing object.
func notOurSchema(code string) bool {
	return code == "42P01" || code == "42703" || code == "42883" || code == "42501"
}

// kindOfCode reads an SQLSTATE (PostgreSQL documentation, appendix A).
func kindOfCode(code string) error {
	switch code {
	case "23505": // unique_violation
		return store.ErrExists
	case "23503": // foreign_key_violation
		return store.ErrNotFound
	case "40001", "40P01", // serialization_failure, deadlock_detected: still there after the retries
		readOnlyServer,
		"25P03", // idle_in_transaction_session_timeout
		"55P03": // lock_not_available
		return store.ErrUnavailable
	}
	if notOurSchema(code) {
		return store.ErrUnavailable
	}
	if len(code) == 5 {
		switch code[:2] {
		case "08", // connection exception
			"53", // insufficient resources: connections, disk, memory
			"57", // operator intervention: cancel, shutdown, starting up, database dropped
			"58": // system error: I/O
			return store.ErrUnavailable
		}
	}
	return nil
}
