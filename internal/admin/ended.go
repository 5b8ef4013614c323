package admin

import "authserver/internal/store"

// ended says in words why a family, or all tokens of a user or a client, became void, with the
// reason that logs and the audit have.
func ended(reason string) string {
	words := map[string]string{
		store.EndedByReuse:          "an older refresh token of it was presented again: two places share one, or it was stolen",
		store.EndedByReplay:         "its authorization code was presented again: the client sent it twice, or it was stolen",
		store.EndedByClient:         "the client revoked it",
		store.EndedByOperator:       "an operator revoked it",
		store.EndedByPerson:         "the user took the access of the client back",
		store.EndedBySignOut:        "the user signed out",
		store.EndedByOtherPerson:    "another person signed in with the same browser",
		store.EndedByClientLogout:   "the user signed out at an application",
		store.EndedByExpiry:         "the session in which it was begun expired",
		store.EndedByNewPassword:    "the user got a new password",
		store.EndedByUserDisabled:   "the user was disabled",
		store.EndedByUserDeleted:    "the user was deleted",
		store.EndedByClientDisabled: "the client was disabled",
		store.EndedByClientDeleted:  "the client was deleted",
		store.EndedByClientCreated:  "a client was registered under that name",
		store.EndedWithUser:         "the user got a new password or was disabled",
		store.EndedWithClient:       "the client was disabled, or deleted and created again",
	}[reason]
	if words == "" {
		return reason
	}
	return words + " (" + reason + ")"
}
