package grants

import (
	"context"
	"errors"
	"fmt"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// Rotating has what the grants of a code and of a refresh token share: both move a family to its
// next generation, and answer with its tokens. A grant fills in a [move].
type Rotating struct {
	Issuing
	PutBacks *PutBacks
	Refresh  *tokens.RefreshCodec
	// Revoker decides what a second use revokes, and updates the view of this process.
	Revoker interface {
		Reuse(id store.FamilyID, now time.Time) store.Void
		Replay(id store.FamilyID, now time.Time) store.Void
		ReloadView(ctx context.Context)
	}
	Clock store.Clock // that requests read Now from
}

// move is the part of an exchange that differs between a code and a refresh token.
type move struct {
	presented string // such as "the refresh token", for errors
	store     func(ctx context.Context) (store.RotationResult, error)
	refuse    func(moved store.RotationResult) *oauth.Error // nil: the outcome is not known
}

const (
	// forged is the outcome of a code or a refresh token that this server did not make.
	forged = "forged"
	// putBack is the outcome of a code or a refresh token whose answer could not be given.
	putBack = "put_back"
	// kept is the outcome of a refresh token of a client whose profile forbids rotation.
	kept = "kept"
)

// ask is what the request asks of a family, and the resources that the access token may be for.
func (g *Rotating) ask(ctx context.Context, r Request, id store.FamilyID, scope oauth.Scope, voids store.Void) (store.Exchange, []found) {
	resources := g.candidates(ctx, r, r.Form.Resources())
	return store.Exchange{
		ID:              id,
		ClientID:        r.Client.ID,
		ClientNotBefore: r.Client.NotBefore,
		Proved:          r.Possession.keys(),
		Binds:           r.familyKey(),
		Resources:       r.Form.Resources(),
		Now:             store.At(r.Now),
		Clock:           g.Clock,
		Idle:            r.Client.RefreshIdle,
		Candidates:      candidates(resources, scope),
		Uses:            uses(r.Once),
		Voids:           voids,
		RequestID:       r.RequestID,
	}, resources
}

// exchange moves the family, and returns it with the answer. It asks the database once. A refusal
// changes nothing, except that a second use ends the family: all refusals are decided before the
// move or by its statement, and a later failure is put back.
func (g *Rotating) exchange(ctx context.Context, r Request, p plan, m move) (Answer, store.Family, error) {
	named := Answer{About: tokens.About{Family: p.rotation.ID}}
	if err := g.PutBacks.Settle(ctx, p.rotation.ID); err != nil {
		return named, store.Family{}, fmt.Errorf("put %s back first: %w", m.presented, err)
	}
	moved, err := m.store(ctx)
	if err != nil {
		err = fmt.Errorf("exchange %s: %w", m.presented, err)
		if !errors.Is(err, store.ErrNotDone) {
			named.Outcome = putBack
			err = errors.Join(err, g.PutBacks.PutBack(ctx, p.rotation, store.Unknown))
		}
		return named, store.Family{}, err
	}
	switch moved.Outcome {
	case store.Rotated, store.Graced, store.Redeemed:
		a, err := g.deliver(ctx, r, p, moved)
		return a, moved.Family, err
	case store.Reused, store.CodeReplayed:
		g.Revoker.ReloadView(ctx)
	}
	return refusedAnswer(p.rotation, moved), store.Family{}, refusal(r, p, m, moved)
}

// refusal is the error of a family that did not move.
func refusal(r Request, p plan, m move, moved store.RotationResult) error {
	switch moved.Outcome {
	case store.UsedBefore:
		return r.Once[moved.Replay].replayError()
	case store.Unissuable:
		if _, _, err := p.target(r.Client, moved.Family); err != nil {
			return err
		}
		return fmt.Errorf("decide on %s: the database refuses what can be issued", m.presented)
	}
	refused := m.refuse(moved)
	if refused == nil {
		return fmt.Errorf("exchange %s: outcome %d is not known", m.presented, moved.Outcome)
	}
	f := moved.Family
	if moved.Outcome == store.Unknown {
		return refused.Because(fmt.Errorf("family %s does not exist: it ended long ago, or its user was deleted", p.rotation.ID))
	}
	return refused.Because(fmt.Errorf("family %s of client %q, begun %s, is at generation %d, and client %q presented generation %d",
		p.rotation.ID, f.ClientID, f.CreatedAt.Format(time.RFC3339), f.Generation, p.rotation.ClientID, p.rotation.Generation))
}

// deliver answers with the tokens after the move. If that fails, or if the client has disconnected,
// it puts the code or the refresh token back: the client has no answer, and the grace may be over
// when it retries.
func (g *Rotating) deliver(ctx context.Context, r Request, p plan, moved store.RotationResult) (a Answer, err error) {
	delivered := false
	defer func() {
		if !delivered {
			a = refusedAnswer(p.rotation, moved)
			a.Outcome = putBack
			err = errors.Join(err, g.PutBacks.PutBack(ctx, p.rotation, moved.Outcome))
		}
	}()
	a, err = g.answer(ctx, r, p, moved)
	if gone := ctx.Err(); err == nil && errors.Is(gone, context.Canceled) {
		err = fmt.Errorf("answer the client: %w", gone)
	}
	delivered = err == nil
	return a, err
}

func (g *Rotating) answer(ctx context.Context, r Request, p plan, moved store.RotationResult) (Answer, error) {
	family := moved.Family
	if moved.Outcome != store.Redeemed {
		family.Login.Nonce = "" // OpenID Connect Core §12.2
	}
	a, err := g.issueOf(ctx, r, p, family, moved.User)
	if err != nil {
		return Answer{}, err
	}
	if r.Client.May(oauth.RefreshToken) {
		if a.RefreshToken, err = g.Refresh.Encode(tokens.Refresh{Family: family.ID, Generation: family.Generation}, family.RotatedAt); err != nil {
			return Answer{}, err
		}
	}
	a.Outcome = moved.Outcome.String()
	if p.rotation.Keep && moved.Outcome == store.Rotated {
		a.Outcome = kept
	}
	return a, nil
}

// refusedAnswer has what the log says about a refused code or refresh token: its user and client,
// and when and why its family ended.
func refusedAnswer(asked store.Rotation, moved store.RotationResult) Answer {
	a := Answer{Outcome: moved.Outcome.String(), About: tokens.About{Family: asked.ID, Subject: moved.Family.UserID, Username: moved.User.Username}}
	switch moved.Outcome {
	case store.Revoked, store.Reused, store.CodeReplayed:
		a.RevokedAt, a.Revocation = moved.Family.Ended(moved.User, asked.ClientNotBefore)
	}
	return a
}

// quoteNotGranted quotes the first requested value that was not granted.
func quoteNotGranted(word string, asked, granted oauth.Scope) string {
	value, _ := asked.FirstNotIn(granted)
	return oauth.Quote(word, value)
}
