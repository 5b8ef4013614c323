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
	IDToken, Userinfo []string // the claims that the request asks for there, in its order
	// The claims of the ID token that the sign-in depends on.
	Subject string   // that the user has to have; "": any
	ACR     []string // the sign-in has to reach one of them if Essential is set
	// Essential is set if the client demands a sign-in that reaches one of ACR (§5.5.1.1).
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

// agreeToClaims adds to what the person consents to: the scopes of the single claims that the
// request asks for, if the client may ask for those scopes. The client is granted only the claims,
// not the scopes.
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

// userinfoClaims are the claims that UserInfo returns although no granted scope contains them.
func (s PromptInput) userinfoClaims() []string {
	granted := oidc.Granted(s.Request.Claims.Userinfo, s.Grantable.ByResource[""])
	return slices.DeleteFunc(granted, func(name string) bool { return s.Grantable.Scope.Has(oidc.ScopeOf(name)) })
}

// take records the claims that the sign-in depends on (§5.5.1).
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

// objectIn returns a member that has to be an object, null or absent.
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
