package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"authserver/internal/store"
)

// statement is a text in SQL with its parameters.
type statement struct {
	text string
	args []any
}

// decide sends a rotation or a redemption and reads its outcome from the first statement that returns
// a row. It checks that an outcome that writes has written.
func (d *DB) decide(ctx context.Context, doing string, id store.FamilyID, statements ...statement) (store.RotationResult, error) {
	var said struct {
		outcome string
		wrote   bool
		replay  int // the position, from 1, of the first use that was recorded before; 0: none was
	}
	var f store.Family
	var u store.User
	columns := func() []any {
		f, u = store.Family{}, store.User{} // a document is read into a row that has none
		return append(append([]any{&said.outcome, &said.wrote, &said.replay}, familyColumns(&f)...), userColumns(&u)...)
	}
	err := d.do(ctx, doing, func(ctx context.Context) error {
		err := pgx.ErrNoRows
		for _, s := range statements {
			err = d.pipeline.do(ctx, &call{text: s.text, args: s.args, locks: familyLock(id), columns: columns})
			if !errors.Is(err, pgx.ErrNoRows) {
				break
			}
		}
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return store.RotationResult{Outcome: store.Unknown}, nil
	}
	if err != nil {
		if notDone(err) {
			err = fmt.Errorf("%w: %w", err, store.ErrNotDone)
		}
		return store.RotationResult{}, err
	}
	result := store.RotationResult{Family: f, User: u}
	if result.Outcome, err = outcomeOf(said.outcome); err != nil {
		return store.RotationResult{}, fault(doing, err)
	}
	wrote := false
	switch result.Outcome {
	case store.UsedBefore:
		result.Replay = said.replay - 1
	case store.Graced, store.Rotated, store.Redeemed:
		wrote = result.Outcome != store.Graced
		if said.replay > 0 { // a concurrent request recorded it
			result.Outcome, result.Replay, wrote = store.UsedBefore, said.replay-1, false
		}
	case store.Reused, store.CodeReplayed:
		wrote = true
	}
	if said.wrote != wrote {
		return store.RotationResult{}, fmt.Errorf("%s: decided %q without the row following", doing, said.outcome)
	}
	return result, nil
}

// outcomeOf parses the name of an outcome, as a statement returns it.
func outcomeOf(name string) (store.Outcome, error) {
	word := strings.ReplaceAll(name, " ", "_")
	for outcome := store.WrongClient; outcome <= store.Redeemed; outcome++ {
		if word == outcome.String() {
			return outcome, nil
		}
	}
	return store.Unknown, fmt.Errorf("an outcome of another version: %q", name)
}
