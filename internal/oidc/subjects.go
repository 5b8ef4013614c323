package oidc

import (
	"fmt"

	"authserver/internal/store"
)

// SubjectTypes returns the types of subjects that the server makes.
func SubjectTypes() []store.SubjectType { return []store.SubjectType{store.SubjectPublic} }

// Subjects knows under which subject a client knows a user (Core §8).
type Subjects struct{}

// Subject returns the claim "sub" of a user at a client. A client with pairwise subjects is
// refused: to tell it the public one would let it recognise the person elsewhere.
func (Subjects) Subject(client store.Client, userID string) (string, error) {
	if client.SubjectType == store.SubjectPairwise {
		return "", fmt.Errorf("name a user to client %s: pairwise subjects are not made", client.ID)
	}
	return userID, nil
}
