package demo

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// token is a JWT that was verified.
type token struct {
	Raw    string
	Alg    string // of its signature
	KeyID  string
	Claims []claim
}

// claim is a claim as the page shows it.
type claim struct{ Name, Value, Meaning string }

// verified reads a token after its signature, issuer, audience and times were checked.
// typ is the type that its header has to have; "": any.
func (d *Demo) verified(ctx context.Context, s *server, raw, audience, typ string) (token, *oidc.IDToken, error) {
	verifier := s.VerifierContext(d.calling(ctx), &oidc.Config{ClientID: audience, Now: d.Now})
	checked, err := verifier.Verify(d.calling(ctx), raw)
	if err != nil {
		return token{}, nil, err
	}
	var header struct{ Alg, Kid, Typ string }
	encoded, _, _ := strings.Cut(raw, ".")
	decoded, err := base64.RawURLEncoding.DecodeString(encoded)
	if err == nil {
		err = json.Unmarshal(decoded, &header)
	}
	if err != nil {
		return token{}, nil, fmt.Errorf("read the header: %w", err)
	}
	if typ != "" && header.Typ != typ {
		return token{}, nil, fmt.Errorf("the token is of type %q, not of type %q", header.Typ, typ)
	}
	var claims json.RawMessage
	if err := checked.Claims(&claims); err != nil {
		return token{}, nil, err
	}
	shown, err := readClaims(claims)
	return token{Raw: raw, Alg: header.Alg, KeyID: header.Kid, Claims: shown}, checked, err
}

// readClaims reads a JSON object for display: the most important claims come first.
func readClaims(object []byte) ([]claim, error) {
	values := map[string]json.RawMessage{}
	if err := json.Unmarshal(object, &values); err != nil {
		return nil, fmt.Errorf("read the claims: %w", err)
	}
	known := meanings()
	var claims []claim
	for _, m := range known {
		if value, given := values[m.Name]; given {
			m.Value = display(m.Name, value)
			claims = append(claims, m)
			delete(values, m.Name)
		}
	}
	first := len(claims)
	for name, value := range values {
		claims = append(claims, claim{Name: name, Value: display(name, value)})
	}
	slices.SortFunc(claims[first:], func(a, b claim) int { return strings.Compare(a.Name, b.Name) })
	return claims, nil
}

// display is a value without the quotes of JSON, and a moment as a date.
func display(name string, value json.RawMessage) string {
	var text string
	var list []string
	var seconds int64
	switch {
	case json.Unmarshal(value, &text) == nil:
		return text
	case json.Unmarshal(value, &list) == nil:
		return strings.Join(list, ", ")
	case slices.Contains([]string{"exp", "iat", "nbf", "auth_time", "updated_at"}, name) && json.Unmarshal(value, &seconds) == nil:
		return time.Unix(seconds, 0).UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return string(value)
}

// meanings explains the claims, in the order of the page.
func meanings() []claim {
	return []claim{
		{"iss", "", "the server that issued it"},
		{"sub", "", "the person: the same for ever, whatever the name becomes"},
		{"aud", "", "for whom it is; every other reader has to refuse it"},
		{"azp", "", "the app that asked for it"},
		{"client_id", "", "the app that asked for it"},
		{"name", "", "for people; from the scope profile"},
		{"given_name", "", ""},
		{"family_name", "", ""},
		{"preferred_username", "", ""},
		{"email", "", "from the scope email"},
		{"email_verified", "", "whether the person has shown to own it"},
		{"scope", "", "what it allows"},
		{"roles", "", "of the person, as the administrator gave them"},
		{"permissions", "", ""},
		{"auth_time", "", "when the person signed in"},
		{"acr", "", "how strong the sign-in was"},
		{"amr", "", "how the person signed in: pwd is a password"},
		{"nonce", "", "a secret of this sign-in, which the app sent and found here again"},
		{"at_hash", "", "ties this token to the access token"},
		{"sid", "", "the session at the server"},
		{"iat", "", "when it was issued"},
		{"nbf", "", "from when it is good"},
		{"exp", "", "until when it is good"},
		{"jti", "", "the token itself"},
	}
}
