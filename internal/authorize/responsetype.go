package authorize

import (
	"slices"
	"strings"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// readResponse reads response_type and response_mode, which say how any answer gets to the
// client, a refusal too.
func (r *Request) readResponse(p parameters, client store.Client) error {
	words := strings.Fields(p.get("response_type"))
	slices.Sort(words) // their order means nothing (RFC 6749 §3.1.1)
	r.ResponseType = strings.Join(words, " ")
	standard := ModeQuery
	if slices.Contains(words, "token") || slices.Contains(words, "id_token") { // Multiple Response Type Encoding Practices §5
		standard = ModeFragment
	}
	mode := Mode(p.get("response_mode"))
	known := slices.Contains(Modes(), mode)
	switch {
	case mode == "":
		r.Mode = standard
	case !known, mode == ModeQuery && standard == ModeFragment: // a token in a query ends up in logs
		r.Mode = standard
		return oauth.Fail(oauth.InvalidRequest, "response_mode_unknown", oauth.Quote("response_mode", string(mode))+" is not one that this response_type can be answered by")
	default:
		r.Mode = mode
	}
	switch {
	case p.fault != nil:
		return p.fault
	case r.ResponseType == "":
		return oauth.Fail(oauth.InvalidRequest, "response_type_missing", "response_type is missing: send response_type=code")
	case !slices.Contains(ResponseTypes(), store.ResponseType(r.ResponseType)):
		return oauth.Fail(oauth.UnsupportedResponseType, "response_type_unknown", oauth.Quote("response_type", r.ResponseType)+" is not supported: send response_type=code")
	case !client.MayRespond(store.ResponseType(r.ResponseType)):
		return oauth.Fail(oauth.UnauthorizedClient, "response_type_not_allowed",
			"the client is not registered for the "+oauth.Quote("response_type", r.ResponseType)+": an administrator can add it")
	}
	return nil
}

// ResponseTypes are the response types, for the metadata (RFC 8414 §2).
func ResponseTypes() []store.ResponseType { return []store.ResponseType{store.ResponseCode} }
