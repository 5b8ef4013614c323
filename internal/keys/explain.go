package keys

import (
	"context"
	"fmt"
	"time"

	"authserver/internal/store"
)

// Explain says in words in which state the key with this kid is, and what that means for a token
// that it signed.
func (m *Manager) Explain(ctx context.Context, kid string) (string, error) {
	read, err := m.read(ctx, store.At(time.Unix(0, 0))) // removed keys too
	if err != nil {
		return "", err
	}
	k, ok := find(read.Keys, kid)
	if !ok {
		return fmt.Sprintf("no key of this server has the kid %q: it is another server's, or was removed more than a day ago", kid), nil
	}
	return inWords(k, m.Now()), nil
}

func inWords(k store.SigningKey, now time.Time) string {
	name := fmt.Sprintf("key %s (%s)", k.KID, k.Alg)
	switch StateAt(k, now) {
	case Pending:
		return fmt.Sprintf("%s is pending: verifiers have it since %s, and it signs from %s on", name, rfc3339(k.PublishedAt), rfc3339(k.ActiveAt))
	case Active:
		if k.RetiredAt.IsZero() {
			return fmt.Sprintf("%s is active since %s", name, rfc3339(k.ActiveAt))
		}
		return fmt.Sprintf("%s is active since %s, until %s", name, rfc3339(k.ActiveAt), rfc3339(k.RetiredAt))
	case Retired:
		return fmt.Sprintf("%s is retired since %s, and stays in the JWKS until %s, when its last token has expired", name, rfc3339(k.RetiredAt), rfc3339(k.RemovedAt))
	}
	if !k.RevokedAt.IsZero() {
		return fmt.Sprintf("%s was revoked at %s (%s): every token that it signed is void", name, rfc3339(k.RevokedAt), k.Reason)
	}
	return fmt.Sprintf("%s was removed from the JWKS at %s, when its last token had expired", name, rfc3339(k.RemovedAt))
}

func rfc3339(m store.Moment) string { return m.Format(time.RFC3339) }
