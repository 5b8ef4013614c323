package clientauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"authserver/internal/attempts"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/trust/assertions"
	"authserver/internal/trust/certificates"
)

// Request is the part of an HTTP request by which a client can authenticate.
type Request struct {
	Authorization []string // the values of the header, as sent
	Form          oauth.Form
	// Certificate is what the client presented in TLS; nil: none.
	Certificate *certificates.Presented
	From        string // the key by which wrong secrets are counted: web.ClientAddress.Share
	RequestID   string
	Now         time.Time
}

// Credentials are the client_id that a request presents, and the credentials with it.
type Credentials struct {
	ClientID    string
	Secrets     []string                // of a method with a secret: each way in which the request can be read
	MayGuess    bool                    // the secret may be compared with a guessable one: see [Outcome]
	Assertion   *assertions.Parsed      // that the client signed; nil: the method has none
	Certificate *certificates.Presented // that the client presented in TLS; nil: the method has none
}

// Method is one client authentication method.
type Method interface {
	// Name is the method as it is registered (RFC 7591 §2).
	Name() oauth.AuthMethod
	// Credentials returns what the request presents by this method: none if it does not
	// use the method, one, or two if the request can be read in two ways. A malformed
	// use is an [oauth.Error].
	Credentials(r Request) ([]Credentials, error)
	// Verify reports whether the credentials are the client's. It writes nothing. A
	// [CredentialError] says what is wrong with them; any other error is a fault of the
	// server.
	Verify(ctx context.Context, client store.Client, presented Credentials, now time.Time) (Outcome, error)
}

// Outcome is the result of verifying credentials.
type Outcome struct {
	Good bool
	// Guess is set if a secret may be a guess at one that an administrator chose: the caller
	// verifies the credentials again with MayGuess, if earlier failures do not make the attempt
	// wait.
	Guess bool
	// Strong is set if the secret is too strong to be guessed.
	Strong bool
	Use    store.Use // the single use of the credentials; zero: the client may send them again
}

// CredentialError says for the log what was wrong with the credentials. The answer does not show
// it, because it would help an attacker.
type CredentialError struct{ Why error }

func (e *CredentialError) Error() string { return e.Why.Error() }
func (e *CredentialError) Unwrap() error { return e.Why }

// Authenticator authenticates clients.
type Authenticator struct {
	Clients store.Clients
	Methods []Method
	Guard   *attempts.Guard // counts wrong secrets; nil: they are not counted
}

// New returns an authenticator with the methods in the order given. A duplicate method is an error.
func New(clients store.Clients, methods ...Method) (*Authenticator, error) {
	a := &Authenticator{Clients: clients}
	for _, m := range methods {
		if slices.Contains(a.Names(), m.Name()) {
			return nil, fmt.Errorf("client authentication method %s is registered twice", m.Name())
		}
		a.Methods = append(a.Methods, m)
	}
	return a, nil
}

// Names returns the names of the methods, for the metadata (RFC 8414 §2).
func (a *Authenticator) Names() []oauth.AuthMethod {
	names := make([]oauth.AuthMethod, 0, len(a.Methods))
	for _, m := range a.Methods {
		names = append(names, m.Name())
	}
	return names
}

// maxClientID bounds a client_id, and so what any caller can write into the log, in bytes.
const maxClientID = 255

// Result is the client that sent a request.
type Result struct {
	Client *store.Client    // nil if the request presents no client
	Method oauth.AuthMethod // "" likewise
	// Use is the single use of the credentials; zero: none. The caller records it when nothing else
	// can refuse the request, so that the client can repeat a request that was refused. If it was
	// used before, the caller refuses with [UsedBefore].
	Use store.Use
	// Certificate is what the client presented in TLS, with any method; nil: none.
	Certificate *certificates.Presented
	// Claimed is the client_id in a request that was refused, cut to a length that is safe for a
	// log.
	Claimed string
}

// Presented is what a request presents, before any of it is verified.
type Presented struct {
	// Claimed is the client_id in the request, cut to a length that is fit for a log;
	// "": the request has none.
	Claimed string

	request     Request
	methods     []Method
	credentials []Credentials
}

// Present reads what a request presents. It costs little and makes no query.
func (a *Authenticator) Present(r Request) (Presented, error) {
	methods, credentials, err := a.presented(r)
	if err != nil || len(methods) == 0 {
		return Presented{}, err
	}
	id := credentials[0].ClientID
	return Presented{Claimed: id[:min(len(id), maxClientID)], request: r, methods: methods, credentials: credentials}, nil
}

// Authenticate finds the client of a request. A request that presents nothing has no
// client, and the caller accepts or refuses it. A request that presents wrong
// credentials is refused with invalid_client (RFC 6749 §5.2), and after too many wrong secrets
// with [attempts.ThrottledError] (§2.3.1: the endpoint MUST be protected against brute force).
func (a *Authenticator) Authenticate(ctx context.Context, p Presented) (Result, error) {
	if len(p.methods) == 0 {
		return Result{}, nil
	}
	r, methods, credentials := p.request, p.methods, p.credentials
	failed := Result{Method: methods[0].Name(), Claimed: p.Claimed}
	reason := "client_unknown"
	var why *CredentialError
	secrets := guesses{guard: a.Guard, request: r, id: p.Claimed}
	for _, one := range credentials {
		if !registrable(one.ClientID) {
			continue
		}
		client, err := a.Clients.Client(ctx, one.ClientID)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return failed, fmt.Errorf("look up the client: %w", err)
		}
		if client.Disabled {
			reason = "client_disabled"
			continue
		}
		secrets.client = client.ID
		reason = "client_auth_method"
		for _, method := range methods {
			if !slices.Contains(client.AuthMethods, method.Name()) {
				continue
			}
			outcome, err := method.Verify(ctx, client, one, r.Now)
			if outcome.Guess {
				if err := secrets.enter(ctx); err != nil {
					return failed, err
				}
				one.MayGuess = true
				outcome, err = method.Verify(ctx, client, one, r.Now)
			}
			if err != nil && !errors.As(err, &why) {
				return failed, fmt.Errorf("check the client's credentials: %w", err)
			}
			if outcome.Good {
				secrets.passed(ctx, outcome.Strong)
				return Result{Client: &client, Method: method.Name(), Use: outcome.Use, Certificate: r.Certificate}, nil
			}
			failed.Method, reason = method.Name(), "client_proof"
		}
	}
	if credentials[0].Secrets != nil { // also for a client that does not exist: the answers are alike
		if err := secrets.failed(ctx); err != nil {
			return failed, err
		}
	}
	if why != nil {
		return failed, refuse(reason).Because(why)
	}
	return failed, refuse(reason)
}

// registrable reports whether a client may have this client_id ([store.Client]). Any other reaches
// neither the cache, whose memory it would fill, nor the database, which accepts no NUL and no
// invalid UTF-8.
func registrable(id string) bool {
	if id == "" || len(id) > maxClientID {
		return false
	}
	for i := range len(id) {
		if id[i] < ' ' || id[i] > '~' {
			return false
		}
	}
	return true
}

// presented returns the one method that the request uses, or none. For a request that
// only names its client it may return several: the client's registration decides among
// them.
func (a *Authenticator) presented(r Request) ([]Method, []Credentials, error) {
	if len(r.Authorization) > 1 {
		return nil, nil, oauth.Fail(oauth.InvalidRequest, "authorization_repeated", "the Authorization header appears more than once")
	}
	var used []Method
	var credentials []Credentials
	for _, m := range a.Methods {
		c, err := m.Credentials(r)
		if err != nil {
			return nil, nil, err
		}
		if len(c) == 0 {
			continue
		}
		if used != nil && !namesOnly(r) { // RFC 6749 §2.3: a client MUST NOT use more than one method
			return nil, nil, oauth.Fail(oauth.InvalidRequest, "client_auth_twice",
				"the request authenticates its client in two ways: use only one of the Authorization header, client_secret and client_assertion")
		}
		used, credentials = append(used, m), c
	}
	if used == nil && len(r.Authorization) > 0 {
		return nil, nil, oauth.Fail(oauth.InvalidClient, "authorization_scheme",
			"the scheme of the Authorization header is not supported for client authentication: use Basic")
	}
	if used == nil && r.Form.Has("client_assertion") { // the method is switched off
		return nil, nil, oauth.Fail(oauth.InvalidClient, "client_assertion_alg",
			"client_assertion is signed with an algorithm that is not supported: see token_endpoint_auth_signing_alg_values_supported in "+
				"the metadata")
	}
	if id := r.Form.Get("client_id"); id != "" {
		// Credentials that name no client, such as an assertion without iss, are
		// refused below.
		credentials = slices.DeleteFunc(credentials, func(c Credentials) bool { return c.ClientID != "" && c.ClientID != id })
		if used != nil && len(credentials) == 0 {
			return nil, nil, oauth.Fail(oauth.InvalidRequest, "client_id_differs",
				"client_id in the body is not the client that the request authenticates")
		}
	}
	return used, credentials, nil
}

// UsedBefore refuses a client whose credentials are right, but were used before.
func UsedBefore() *oauth.Error {
	return refuse("client_proof").Because(&CredentialError{errors.New("it was used before")})
}

// refuse gives the same answer for all wrong credentials.
func refuse(reason string) *oauth.Error {
	return oauth.Fail(oauth.InvalidClient, reason,
		"client authentication failed: the client is unknown, its secret, assertion or certificate is wrong, expired or was used before, or it is not registered for this way to authenticate")
}
