package oauth

// IdentityScopes returns the scopes of OpenID Connect (Core §5.4 and §11). They say what a client
// learns about a person, belong to no resource, and have a meaning only if a person signed in.
func IdentityScopes() Scope {
	return Scope{"openid", "profile", "email", "address", "phone", "offline_access"}
}

// Split returns the scopes of OpenID Connect, and the others, each in the order of s.
func (s Scope) Split() (identity, others Scope) {
	for _, t := range s {
		if IdentityScopes().Has(t) {
			identity = append(identity, t)
		} else {
			others = append(others, t)
		}
	}
	return identity, others
}

// Grantable is the part of a request that a client may be granted.
type Grantable struct {
	Scope     Scope
	Resources []string
	// ByResource is the scope by the resource that lists it; the scopes of OpenID Connect are under
	// "".
	ByResource map[string]Scope
}
