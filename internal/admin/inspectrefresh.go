package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"authserver/internal/store"
	"authserver/internal/tokens"
)

func (ins *Inspector) inspectRefresh(ctx context.Context, token string) (Inspection, error) {
	i := Inspection{Kind: KindRefresh}
	if err := ins.Refresh.Reload(ctx); err != nil {
		return Inspection{}, err
	}
	codec := &tokens.RefreshCodec{Keys: ins.Refresh}
	refresh, err := codec.Decode(token)
	if err != nil {
		return bad(i, FoundMalformed, "%v", err), nil
	}
	f, err := ins.Families.Store.Family(ctx, refresh.Family)
	if errors.Is(err, store.ErrNotFound) {
		return bad(i, FoundDeleted, "this server made it, but its family does not exist any more: it ended long ago, or its user was deleted"), nil
	}
	if err != nil {
		return Inspection{}, fmt.Errorf("look up its family: %w", err)
	}
	family, err := ins.Families.view(ctx, ins.Families.owners(), f)
	if err != nil {
		return Inspection{}, err
	}
	family.Presented = refresh.Generation
	i.Family = &family
	i, err = ins.familyFaults(ctx, i, f)
	if err != nil {
		return Inspection{}, err
	}
	i = ins.generation(i, f, refresh.Generation)
	i.Good = i.Good && len(i.Reasons) == 1
	return i, nil
}

// familyFaults says why no refresh token of the family is valid, in the order in which a rotation
// decides.
func (ins *Inspector) familyFaults(ctx context.Context, i Inspection, f store.Family) (Inspection, error) {
	client, err := ins.Clients.Client(ctx, f.ClientID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		i = bad(i, FoundDeleted, "its client %q was deleted", f.ClientID)
	case err != nil:
		return i, fmt.Errorf("look up its client: %w", err)
	case client.Disabled:
		i = bad(i, FoundDisabled, "its client %q is disabled", f.ClientID)
	}
	user, err := ins.Users.User(ctx, f.UserID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		i = bad(i, FoundDeleted, "its user was deleted")
	case err != nil:
		return i, fmt.Errorf("look up its user: %w", err)
	case user.Disabled:
		i = bad(i, FoundDisabled, "its user %q is disabled", user.Username)
	}
	at, reason := f.Ended(user, client.NotBefore)
	switch now := store.At(ins.Now()); {
	case reason != "":
		i = bad(i, FoundRevoked, "its family was revoked at %s: %s", at.Format(time.RFC3339), ended(reason))
	case f.Expired(now, ins.clock()) && now.Before(f.ExpiresAt):
		i = bad(i, FoundExpired, "it was unused for too long: its family expired at %s", f.IdleExpiresAt.Format(time.RFC3339))
	case f.Expired(now, ins.clock()):
		i = bad(i, FoundExpired, "its family reached its maximum lifetime at %s", f.ExpiresAt.Format(time.RFC3339))
	}
	return i, nil
}

// generation says whether this refresh token is the valid one of its family.
func (ins *Inspector) generation(i Inspection, f store.Family, presented uint32) Inspection {
	switch f.Exchanged(store.Presented{Generation: presented, Now: store.At(ins.Now()), Clock: ins.clock(), Grace: ins.Limits.RefreshGrace}) {
	case store.Rotated:
		return good(i, "it is the newest of its family")
	case store.Graced:
		return good(i, "it was exchanged at %s, and may be retried for %s after that", f.RotatedAt.Format(time.RFC3339), ins.Limits.RefreshGrace)
	}
	return bad(i, FoundReplaced, "it was exchanged for a newer one already: to present it again revokes its family")
}
