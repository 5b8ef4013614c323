package admin

// ended says in words why a family, or all tokens of a user or a client, became void, with the
// reason that logs and the audit have.
func ended(reason string) string {
	words := map[string]string{
		"refresh_reused":       "an older refresh token of it was presented again: two places share one, or it was stolen",
		"code_replayed":        "its authorization code was presented again: the client sent it twice, or it was stolen",
		"revoked_by_client":    "the client revoked it",
		revokedByOperator:      "an operator revoked it",
		"revoked_by_user":      "the user took the access of the client back",
		"signed_out":           "the user signed out",
		"replaced":             "another person signed in with the same browser",
		"logged_out_by_client": "the user signed out at an application",
		"session_expired":      "the session in which it was begun expired",
		"password_changed":     "the user got a new password",
		"user_disabled":        "the user was disabled",
		"user_deleted":         "the user was deleted",
		"client_disabled":      "the client was disabled",
		"client_deleted":       "the client was deleted",
		"client_created":       "a client was registered under that name",
	}[reason]
	if words == "" {
		return reason
	}
	return words + " (" + reason + ")"
}
