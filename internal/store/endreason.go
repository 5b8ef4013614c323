package store

// The reasons for which sessions and families end and tokens are revoked, as logs and the audit
// have them.
const (
	EndedByReuse          = "refresh_reused"       // an older refresh token was presented again
	EndedByReplay         = "code_replayed"        // an authorization code was presented again
	EndedByClient         = "revoked_by_client"    // RFC 7009
	EndedByOperator       = "revoked_by_operator"  // by a command
	EndedByPerson         = "revoked_by_user"      // the person took the access of a client back
	EndedBySignOut        = "signed_out"           // at a page of the server
	EndedByClientLogout   = "logged_out_by_client" // the person signed out at an application
	EndedByOtherPerson    = "replaced"             // another person signed in with the same browser
	EndedByExpiry         = "session_expired"      // the session was idle for too long, or reached its maximum age
	EndedByNewPassword    = "password_changed"
	EndedByUserDisabled   = "user_disabled"
	EndedByUserDeleted    = "user_deleted"
	EndedByClientCreated  = "client_created" // again, under the identifier of a deleted client
	EndedByClientDisabled = "client_disabled"
	EndedByClientDeleted  = "client_deleted"
	// What a family shows that ended with its user or its client.
	EndedWithUser   = "user_tokens_revoked"   // a new password, or the user was disabled
	EndedWithClient = "client_tokens_revoked" // the client was disabled, or created again
)
