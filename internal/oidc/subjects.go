package oidc

import (
	"fmt"

	"authserver/internal/store"
	"authserver/internal/tokens"
)

// SubjectTypes returns the types of subjects that the server makes.
func SubjectTypes() []store.SubjectType {
	return []store.SubjectType{store.SubjectPublic, store.SubjectPairwise}
}

// Subjects knows under which subject a client knows a user (Core §8). Whatever the client is
// told has the same one: ID tokens, userinfo, introspection, and its access tokens, which a
// client can read though they are not for it.
type Subjects struct{ Pairwise *tokens.Pairwise }

// Subject returns the claim "sub" of a user at a client.
func (s Subjects) Subject(client store.Client, userID string) (string, error) {
	sector := client.PairwiseSector()
	if sector == "" {
		return userID, nil
	}
	subject, err := s.Pairwise.Subject(sector, userID)
	if err != nil {
		return "", fmt.Errorf("name a user to client %s: %w", client.ID, err)
	}
	return subject, nil
}
