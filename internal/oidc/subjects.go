package oidc

import "authserver/internal/store"

// SubjectTypes returns the types of subjects that the server makes.
func SubjectTypes() []store.SubjectType {
	return []store.SubjectType{store.SubjectPublic, store.SubjectPairwise}
}
