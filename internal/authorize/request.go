package authorize

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// Bounds on single parameters, in bytes.
const (
	maxState  = 2 << 10
	maxNonce  = 512
	maxHint   = store.MaxNameLength
	maxValues = 10 // of a parameter that is a list
	maxAge    = 10 * 365 * 24 * time.Hour
)

// Request is an authorization request that was read.
type Request struct {
	RedirectURI  string // as the client sent it; "": it was left out
	ResponseType string // its values in the order of the registration
	Mode         Mode
	State        string
	Scope        oauth.Scope
	Resources    []string
	Nonce        string
	Challenge    string // code_challenge, by S256; "": none
	JKT          string // dpop_jkt (RFC 9449 §10); "": none
	Prompt       []string
	MaxAge       time.Duration // -1: any
	LoginHint    string
	IDTokenHint  string
	ACRValues    []string
	UILocales    string
	Claims       Claims
}

// OpenID reports whether the request is one of OpenID Connect (Core §3.1.2.1).
func (r Request) OpenID() bool { return r.Scope.Has("openid") }

// asks reports whether the request names a prompt.
func (r Request) asks(prompt string) bool { return slices.Contains(r.Prompt, prompt) }

// answers reports whether the response type contains a value, such as "code".
func (r Request) answers(value string) bool {
	return slices.Contains(strings.Fields(r.ResponseType), value)
}

// read reads all parameters except the client, the redirect URI, the state and the response mode,
// which are the destination of a refusal.
func (r *Request) read(p parameters) error {
	if p.fault != nil {
		return p.fault
	}
	form := p.form
	if form.Has("registration") {
		return oauth.Fail(oauth.RegistrationNotSupported, "registration_parameter", "the parameter registration is not supported: an administrator registers clients")
	}
	if form.Has("request_uri") { // the server fetches no address (RFC 9101 §10.4)
		return oauth.Fail(oauth.RequestURINotSupported, "request_uri_parameter", "request_uri is supported for pushed requests only (RFC 9126): push the request, or send the parameters themselves")
	}
	for _, read := range []func(oauth.Form) error{r.readPlain, r.readScope, r.readPrompt, r.readMaxAge, r.readChallenge, r.readClaims} {
		if err := read(form); err != nil {
			return err
		}
	}
	return nil
}

func (r *Request) readPlain(form oauth.Form) error {
	for _, most := range []struct {
		name  string
		bytes int
	}{{"nonce", maxNonce}, {"login_hint", maxHint}, {"acr_values", maxState}, {"ui_locales", maxState}, {"dpop_jkt", maxNonce}} {
		if len(form.Get(most.name)) > most.bytes {
			return oauth.Fail(oauth.InvalidRequest, "authorization_parameter_long", fmt.Sprintf("the parameter %s is longer than %d bytes", most.name, most.bytes))
		}
	}
	r.Nonce, r.LoginHint, r.UILocales, r.IDTokenHint = form.Get("nonce"), form.Get("login_hint"), form.Get("ui_locales"), form.Get("id_token_hint")
	r.ACRValues = strings.Fields(form.Get("acr_values"))
	if len(r.ACRValues) > maxValues {
		return oauth.Fail(oauth.InvalidRequest, "acr_values_many", fmt.Sprintf("acr_values has more than %d values", maxValues))
	}
	if r.JKT = form.Get("dpop_jkt"); r.JKT != "" && !isSHA256(r.JKT) { // RFC 9449 §10
		return oauth.Fail(oauth.InvalidRequest, "dpop_jkt_malformed", "dpop_jkt is not a thumbprint by SHA-256 (RFC 7638)")
	}
	return nil
}

func (r *Request) readScope(form oauth.Form) error {
	scope, err := oauth.ParseScope(form.Get("scope"))
	if err != nil {
		return oauth.Fail(oauth.InvalidScope, "scope_malformed", "scope is malformed: "+err.Error())
	}
	r.Scope, r.Resources = scope, form.Resources()
	return nil
}

// readPrompt reads the parameter "prompt" (OpenID Connect Core §3.1.2.1).
func (r *Request) readPrompt(form oauth.Form) error {
	r.Prompt = strings.Fields(form.Get("prompt"))
	for _, value := range r.Prompt {
		if !slices.Contains(PromptValues(), value) {
			return oauth.Fail(oauth.InvalidRequest, "prompt_unknown", oauth.Quote("prompt", value)+" is not one of "+strings.Join(PromptValues(), ", "))
		}
	}
	if r.asks("none") && len(r.Prompt) > 1 {
		return oauth.Fail(oauth.InvalidRequest, "prompt_none", "prompt=none must be the only value: the other values show a page, and none forbids that")
	}
	return nil
}

// PromptValues are the values of the parameter "prompt", for the metadata.
func PromptValues() []string { return []string{"none", "login", "consent", "select_account"} }

func (r *Request) readMaxAge(form oauth.Form) error {
	r.MaxAge = -1
	text := form.Get("max_age")
	if text == "" {
		return nil
	}
	seconds, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return oauth.Fail(oauth.InvalidRequest, "max_age_malformed", oauth.Quote("max_age", text)+" is no number of seconds, without sign and fraction")
	}
	r.MaxAge = min(time.Duration(seconds)*time.Second, maxAge)
	return nil
}

// readChallenge reads the challenge of PKCE (RFC 7636 §4.3).
func (r *Request) readChallenge(form oauth.Form) error {
	method := form.Get("code_challenge_method")
	r.Challenge = form.Get("code_challenge")
	switch {
	case r.Challenge == "" && method != "":
		return oauth.Fail(oauth.InvalidRequest, "pkce_challenge", "code_challenge_method without code_challenge: send both")
	case r.Challenge == "":
		return nil
	case method != "S256": // no method means plain, which RFC 9700 §2.1.1 advises against
		return oauth.Fail(oauth.InvalidRequest, "pkce_method", oauth.Quote("code_challenge_method", method)+" has to be S256: without it the method is plain, which shows the verifier in the request")
	case !isSHA256(r.Challenge):
		return oauth.Fail(oauth.InvalidRequest, "pkce_challenge", "code_challenge is not the hash of a verifier by SHA-256 in base64url without padding, which has 43 characters (RFC 7636 section 4.2)")
	}
	return nil
}

func (r *Request) readClaims(form oauth.Form) error {
	text := form.Get("claims")
	if text == "" {
		return nil
	}
	claims, err := parseClaims(text)
	if err != nil {
		return oauth.Fail(oauth.InvalidRequest, "claims_malformed", "the parameter claims is not in the form of OpenID Connect Core section 5.5: "+err.Error())
	}
	r.Claims = claims
	return nil
}

// isSHA256 reports whether text is 32 bytes in base64url without padding.
func isSHA256(text string) bool {
	if len(text) != 43 {
		return false
	}
	for i := range len(text) {
		if c := text[i]; !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}
