package verifier

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"authserver/internal/jose"
)

// Token is the content of a verified access token.
type Token struct {
	Subject     string // the user, or the client itself if no user is involved
	ClientID    string
	ID          string // "jti"
	Scopes      []string
	Roles       []string
	Permissions []string
	IssuedAt    time.Time
	ExpiresAt   time.Time
	Claims      map[string]any // all of them, with numbers as json.Number

	key         string // cnf.jkt: the thumbprint of the key that must sign proofs
	certificate string // cnf.x5t#S256
}

// Requirements are what a token must have: everything in each list.
type Requirements struct {
	Scopes      []string
	Roles       []string
	Permissions []string
}

// Allows returns nil if the token has everything that is required.
func (t *Token) Allows(need Requirements) error {
	for _, list := range []struct {
		of         string
		has, needs []string
	}{{"scope", t.Scopes, need.Scopes}, {"role", t.Roles, need.Roles}, {"permission", t.Permissions, need.Permissions}} {
		for _, name := range list.needs {
			if !slices.Contains(list.has, name) {
				return insufficient(need, fmt.Errorf("it lacks the %s %s", list.of, name))
			}
		}
	}
	return nil
}

// readToken reads the claims of RFC 9068 §2.2, the required ones and the others.
func readToken(claims map[string]any) (*Token, error) {
	t := &Token{Claims: claims}
	var err error
	if t.Subject, err = required(claims, "sub"); err != nil {
		return nil, err
	}
	if t.ClientID, err = required(claims, "client_id"); err != nil {
		return nil, err
	}
	if t.ID, err = required(claims, "jti"); err != nil {
		return nil, err
	}
	if scope, ok := claims["scope"]; ok {
		words, ok := scope.(string)
		if !ok {
			return nil, fmt.Errorf("its scope is not a string")
		}
		t.Scopes = strings.Fields(words)
	}
	if t.Roles, err = texts(claims, "roles"); err != nil {
		return nil, err
	}
	if t.Permissions, err = texts(claims, "permissions"); err != nil {
		return nil, err
	}
	return t, t.readConfirmation()
}

func required(claims map[string]any, name string) (string, error) {
	text, err := jose.StringClaim(claims, name)
	if err == nil && text == "" {
		err = fmt.Errorf("it has no %s", name)
	}
	return text, err
}

func texts(claims map[string]any, name string) ([]string, error) {
	value, ok := claims[name]
	if !ok {
		return nil, nil
	}
	malformed := fmt.Errorf("its %s is not an array of strings", name)
	list, ok := value.([]any)
	if !ok {
		return nil, malformed
	}
	var all []string
	for _, item := range list {
		text, ok := item.(string)
		if !ok {
			return nil, malformed
		}
		all = append(all, text)
	}
	return all, nil
}

// readConfirmation refuses an unknown kind of binding (RFC 7800 §3.1). Otherwise a token that is
// bound in another way would be accepted from any sender.
func (t *Token) readConfirmation() error {
	cnf, ok := t.Claims["cnf"]
	if !ok {
		return nil
	}
	members, ok := cnf.(map[string]any)
	if !ok || len(members) == 0 {
		return fmt.Errorf("its cnf is not an object with a member")
	}
	for name, value := range members {
		text, _ := value.(string)
		switch {
		case text == "":
			return fmt.Errorf("its cnf has a member that is not a string")
		case name == "jkt":
			t.key = text
		case name == "x5t#S256":
			t.certificate = text
		default:
			return fmt.Errorf("its cnf binds it in a way that is not supported")
		}
	}
	return nil
}
