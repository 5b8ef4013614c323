package authorize

import (
	"errors"
	"maps"
	"slices"

	"authserver/internal/jose"
	"authserver/internal/oauth"
	"authserver/internal/oidc"
)

// Claims is the parameter "claims" (OpenID Connect Core §5.5). The zero Claims asks for
// nothing.
type Claims struct {
	IDToken, Userinfo []string // the claims that are asked for there, in their order
	// Of the ID token's claims, what the sign-in has to do with.
	Subject string   // that the user has to have; "": any
	ACR     []string // one of which the sign-in has to reach where Essential is set
	// Essential is set where the client cannot do with a sign-in that reaches none of ACR
	// (§5.5.1.1).
	Essential bool
	AuthTime  bool // auth_time is essential
}

func parseClaims(text string) (Claims, error) {
	object, err := jose.DecodeObject([]byte(text))
	if err != nil {
		return Claims{}, errors.New("it is not one JSON object without repeated names")
	}
	var claims Claims
	for part, names := range map[string]*[]string{"userinfo": &claims.Userinfo, "id_token": &claims.IDToken} {
		asked, err := objectIn(object, part)
		if err != nil {
			return Claims{}, err
		}
		*names = slices.Sorted(maps.Keys(asked))
		for claim := range asked {
			member, err := objectIn(asked, claim)
			if err != nil {
				return Claims{}, err
			}
			if part == "id_token" {
				claims.take(claim, member)
			}
		}
	}
	return claims, nil
}

// agreeToClaims has the person consent to the scopes that the claims asked for come with, as
// far as the client may ask for those scopes. The client is granted the claims, and not the
// scopes.
func (f *Flow) agreeToClaims() {
	if !f.Grantable.Scope.Has("openid") {
		return
	}
	for _, name := range slices.Concat(f.Request.Claims.IDToken, f.Request.Claims.Userinfo) {
		if scope := oidc.ScopeOf(name); f.Client.Scopes.Has(scope) {
			f.Grantable.ByResource[""] = f.Grantable.ByResource[""].Union(oauth.Scope{scope})
		}
	}
}

// userinfoClaims are the claims that userinfo is to tell although none of the scopes has them.
func (s PromptInput) userinfoClaims() []string {
	granted := oidc.Granted(s.Request.Claims.Userinfo, s.Grantable.ByResource[""])
	return slices.DeleteFunc(granted, func(name string) bool { return s.Grantable.Scope.Has(oidc.ScopeOf(name)) })
}

// take takes note of what the sign-in has to do with (§5.5.1).
func (c *Claims) take(claim string, member map[string]any) {
	essential, _ := member["essential"].(bool)
	value, _ := member["value"].(string)
	switch claim {
	case "sub":
		c.Subject = value
	case "auth_time":
		c.AuthTime = essential
	case "acr":
		c.Essential = essential
		values, _ := member["values"].([]any)
		for _, one := range append(values, value) {
			if text, _ := one.(string); text != "" {
				c.ACR = append(c.ACR, text)
			}
		}
	}
}

// objectIn returns a member that is an object, or null or not there.
func objectIn(object map[string]any, name string) (map[string]any, error) {
	value := object[name]
	if value == nil {
		return nil, nil
	}
	inner, is := value.(map[string]any)
	if !is {
		return nil, errors.New("what it asks for is neither null nor an object")
	}
	return inner, nil
}
