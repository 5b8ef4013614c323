package keepers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gocloud.dev/gcerrors"
)

// bounded is a driver.Keeper that asks a service, waits no longer than timeout, and
// says in its errors which key it was about.
type bounded struct {
	service service
	id      string
	timeout time.Duration
}

func (b *bounded) Encrypt(ctx context.Context, plain []byte) ([]byte, error) {
	return b.ask(ctx, b.service.Encrypt, plain)
}

func (b *bounded) Decrypt(ctx context.Context, sealed []byte) ([]byte, error) {
	return b.ask(ctx, b.service.Decrypt, sealed)
}

func (b *bounded) ask(ctx context.Context, question func(context.Context, []byte) ([]byte, error), about []byte) ([]byte, error) {
	answer, err := within(ctx, b.timeout, func(ctx context.Context) ([]byte, error) { return question(ctx, about) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.id, err)
	}
	return answer, nil
}

func (b *bounded) Close() error { return b.service.Close() }

// ErrorAs gives no driver's type away: callers must not depend on the driver behind a
// URL.
func (b *bounded) ErrorAs(error, any) bool { return false }

func (b *bounded) ErrorCode(err error) gcerrors.ErrorCode {
	var f fault
	if errors.As(err, &f) {
		return f.code
	}
	return gcerrors.Code(err)
}

// fault is an error with its code.
type fault struct {
	error
	code gcerrors.ErrorCode
}

func (f fault) Unwrap() error { return f.error }

// parting is how long a question that ran out of time may take to say what it was
// busy with.
const parting = 100 * time.Millisecond

// within runs f and returns what it returned, or an error that wraps
// context.DeadlineExceeded after the time-out. It does not wait for f to notice:
// some clients fetch credentials without a look at the context that they were given.
func within[T any](ctx context.Context, timeout time.Duration, f func(context.Context) (T, error)) (T, error) {
	bound, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f(bound)
		done <- result{value, err}
	}()
	var got result
	select {
	case got = <-done:
	case <-bound.Done():
		select {
		case got = <-done:
		case <-time.After(parting):
			got.err = bound.Err()
		}
	}
	if got.err == nil || ctx.Err() != nil || !errors.Is(bound.Err(), context.DeadlineExceeded) {
		return got.value, got.err
	}
	if !errors.Is(got.err, context.DeadlineExceeded) {
		got.err = fmt.Errorf("%w: %w", context.DeadlineExceeded, got.err)
	}
	return got.value, fmt.Errorf("no answer within %s: check that the key management service runs and can be reached from here: %w", timeout, got.err)
}
