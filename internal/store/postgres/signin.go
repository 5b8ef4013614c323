package postgres

import (
	"encoding/json"
	"fmt"

	"authserver/internal/store"
)

// signInColumn is one column for all values of a sign-in in a family. Nearly every rotation is of a
// family without a sign-in, and each column costs time to read. A query puts CASE WHEN and a
// condition for a code before it; the alias is f.
const signInColumn = `f.session_id IS NOT NULL OR f.offline OR f.login IS NOT NULL THEN json_build_object(
		'session_id', encode(f.session_id, 'hex'), 'offline', f.offline, 'login', f.login, 'code', f.code) END`

// signIn scans signInColumn.
type signIn struct{ to *store.Family }

// ScanBytes implements pgtype.BytesScanner.
func (s signIn) ScanBytes(v []byte) error {
	if v == nil {
		s.to.SessionID, s.to.Offline, s.to.Login, s.to.Code = store.SessionID{}, false, store.Login{}, store.Code{}
		return nil
	}
	var kept struct {
		SessionID string      `json:"session_id"`
		Offline   bool        `json:"offline"`
		Login     store.Login `json:"login"`
		Code      store.Code  `json:"code"`
	}
	if err := json.Unmarshal(v, &kept); err != nil {
		return fmt.Errorf("read the sign-in of a family: %w", err)
	}
	id, ok := store.ParseSessionID(kept.SessionID)
	if !ok && kept.SessionID != "" {
		return fmt.Errorf("the session of a family is kept as %q", kept.SessionID)
	}
	s.to.SessionID, s.to.Offline, s.to.Login = id, kept.Offline, kept.Login
	if s.to.Generation == 0 { // read before
		s.to.Code = kept.Code
	}
	return nil
}

func isSignIn(f store.Family) bool {
	return !f.SessionID.IsZero() || f.Offline || !f.Login.IsZero() || !f.Code.IsZero()
}

// signInValues are the parameters of signInParameters.
func signInValues(f store.Family) []any {
	return []any{idOrNull(f.SessionID), f.Offline, orAbsent(f.Login), orAbsent(f.Code)}
}
