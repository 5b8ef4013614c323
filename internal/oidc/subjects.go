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

// Subjects maps a user to the subject that a client sees (Core §8). ID tokens, UserInfo,
// introspection and access tokens have the same subject. Access tokens have it because a client can
// read them, although they are not for it.
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
