package keepers

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Keeper calls a key of a key management service, waits no longer than its time-out, and names the
// key in its errors.
type Keeper struct {
	service service
	id      string
	timeout time.Duration
}

// Encrypt seals with the key.
func (k *Keeper) Encrypt(ctx context.Context, plain []byte) ([]byte, error) {
	return k.ask(ctx, k.service.Encrypt, plain)
}

// Decrypt opens what Encrypt sealed.
func (k *Keeper) Decrypt(ctx context.Context, sealed []byte) ([]byte, error) {
	return k.ask(ctx, k.service.Decrypt, sealed)
}

func (k *Keeper) ask(ctx context.Context, question func(context.Context, []byte) ([]byte, error), about []byte) ([]byte, error) {
	answer, err := within(ctx, k.timeout, func(ctx context.Context) ([]byte, error) { return question(ctx, about) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.id, err)
	}
	return answer, nil
}

// Close closes the connections to the service.
func (k *Keeper) Close() error { return k.service.Close() }

// closeTimeout is how long a call that ran out of time may still take, so that its error can name
// the cause.
const closeTimeout = 100 * time.Millisecond

// within runs f and returns its result, or an error that wraps context.DeadlineExceeded after the
// time-out. It does not wait for f to return, because some clients fetch credentials without
// checking their context.
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
		case <-time.After(closeTimeout):
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
