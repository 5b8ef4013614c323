package authorize

import (
	"slices"
	"strings"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// readResponse reads response_type and response_mode, which decide how an answer or an error
// reaches the client.
func (r *Request) readResponse(p parameters, client store.Client) error {
	words := strings.Fields(p.get("response_type"))
	slices.Sort(words) // their order means nothing (RFC 6749 §3.1.1)
	r.ResponseType = strings.Join(words, " ")
	standard := ModeQuery
	if r.frontChannel() { // Multiple Response Type Encoding Practices §5
		standard = ModeFragment
	}
	mode := Mode(p.get("response_mode"))
	known := slices.Contains(Modes(), mode)
	switch {
	case mode == "":
		r.Mode = standard
	case !known, mode == ModeQuery && standard == ModeFragment: // a token in a query ends up in logs
		r.Mode = standard
		return oauth.Fail(oauth.InvalidRequest, "response_mode_unknown", oauth.Quote("response_mode", string(mode))+" is not supported for this response_type")
	default:
		r.Mode = mode
	}
	switch {
	case p.fault != nil:
		return p.fault
	case r.ResponseType == "":
		return oauth.Fail(oauth.InvalidRequest, "response_type_missing", "response_type is missing: send response_type=code")
	case !slices.Contains(store.ResponseTypes(), store.ResponseType(r.ResponseType)):
		return oauth.Fail(oauth.UnsupportedResponseType, "response_type_unknown", oauth.Quote("response_type", r.ResponseType)+" is not supported: send response_type=code")
	case !client.MayRespond(store.ResponseType(r.ResponseType)):
		return oauth.Fail(oauth.UnauthorizedClient, "response_type_not_allowed",
			"the client is not registered for the "+oauth.Quote("response_type", r.ResponseType)+": an administrator can add it")
	}
	return nil
}

// frontChannel reports whether a token reaches the client through the browser.
func (r *Request) frontChannel() bool { return r.answers("token") || r.answers("id_token") }

// checkResponse refuses a request that does not fit its response type.
func (r *Request) checkResponse(client store.Client) error {
	switch {
	case r.answers("code") && !client.May(oauth.AuthorizationCode):
		return oauth.Fail(oauth.UnauthorizedClient, "authorization_not_allowed",
			"the client is not registered for the grant authorization_code: an administrator can add it")
	case r.answers("id_token") && !r.OpenID(): // OpenID Connect Core §3.1.2.1
		return oauth.Fail(oauth.InvalidRequest, "id_token_scope", "an ID token needs the scope openid: add it, or leave id_token out of response_type")
	case r.answers("id_token") && r.Nonce == "": // OpenID Connect Core §3.2.2.1 and §3.3.2.11
		return oauth.Fail(oauth.InvalidRequest, "nonce_missing", "nonce is missing: an ID token that passes through the browser needs one, so that the client can recognise it")
	case r.answers("token") && (client.DPoPBound || client.TLSBound || r.JKT != "" && !r.answers("code")):
		return oauth.Fail(oauth.InvalidRequest, "token_unbound",
			"an access token that passes through the browser cannot be bound to a key: send response_type=code and prove the key with the code")
	}
	return nil
}
