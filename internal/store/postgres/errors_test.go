package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"authserver/internal/store"
)

func TestFault(t *testing.T) {
	code := func(code string) error { return &pgconn.PgError{Code: code, Message: "of the server"} }
	for _, c := range []struct {
		name string
		err  error
		want error // nil: none of the errors of package store
	}{
		{"no rows", pgx.ErrNoRows, store.ErrNotFound},
		{"unique_violation", code("23505"), store.ErrExists},
		{"foreign_key_violation", code("23503"), store.ErrNotFound},
		{"check_violation", code("23514"), nil},
		{"connection_failure", code("08006"), store.ErrUnavailable},
		{"too_many_connections", code("53300"), store.ErrUnavailable},
		{"disk_full", code("53100"), store.ErrUnavailable},
		{"query_canceled", code("57014"), store.ErrUnavailable},
		{"admin_shutdown", code("57P01"), store.ErrUnavailable},
		{"crash_shutdown", code("57P02"), store.ErrUnavailable},
		{"cannot_connect_now", code("57P03"), store.ErrUnavailable},
		{"io_error", code("58030"), store.ErrUnavailable},
		{"deadlock_detected", code("40P01"), store.ErrUnavailable},
		{"serialization_failure", code("40001"), store.ErrUnavailable},
		{"read_only_sql_transaction", code("25006"), store.ErrUnavailable},
		{"lock_not_available", code("55P03"), store.ErrUnavailable},
		{"undefined_table", code("42P01"), store.ErrUnavailable},
		{"undefined_column", code("42703"), store.ErrUnavailable},
		{"undefined_function", code("42883"), store.ErrUnavailable},
		{"insufficient_privilege", code("42501"), store.ErrUnavailable},
		{"syntax_error", code("42601"), nil},
		{"no code", code(""), nil},
		{"out of time", context.DeadlineExceeded, store.ErrUnavailable},
		{"the caller is gone", fmt.Errorf("x: %w", context.Canceled), store.ErrUnavailable},
		{"the peer is gone", io.ErrUnexpectedEOF, store.ErrUnavailable},
		{"the network", &net.OpError{Op: "read", Err: errors.New("reset")}, store.ErrUnavailable},
		{"what a step decided", store.ErrConflict, store.ErrConflict},
		{"anything else", errors.New("x"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := fault("test", c.err)
			if !errors.Is(got, c.err) {
				t.Errorf("the cause is not in %v", got)
			}
			for _, kind := range []error{store.ErrNotFound, store.ErrExists, store.ErrConflict, store.ErrUnavailable} {
				if errors.Is(got, kind) != errors.Is(c.want, kind) {
					t.Errorf("%v: is it %v?", got, kind)
				}
			}
		})
	}
	if fault("test", nil) != nil {
		t.Error("no error became one")
	}
}
