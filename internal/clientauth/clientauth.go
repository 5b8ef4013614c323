package clientauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/trust/assertions"
	"authserver/internal/trust/certificates"
)

// Request is what of an HTTP request a client can prove itself with.
type Request struct {
	Authorization []string // the values of the header, as sent
	Form          oauth.Form
	// Certificate is what the client presented in TLS; nil: none.
	Certificate *certificates.Presented
	Now         time.Time
}

// Claim is who a request says that it comes from, and the proof that it brings.
type Claim struct {
	ClientID    string
	Secrets     []string                // where the proof is a secret: the readings that the wire leaves open
	Assertion   *assertions.Parsed      // that the client signed, where the proof is one
	Certificate *certificates.Presented // that was presented in TLS, where the proof is that
}

// Method is one way for a client to prove itself.
type Method interface {
	// Name is the method as it is registered (RFC 7591 §2).
	Name() oauth.AuthMethod
	// Claims returns what the request presents by this method: nothing where it
	// does not use it, one claim, or two where the wire leaves open who is meant.
	// A malformed use is an [oauth.Error].
	Claims(r Request) ([]Claim, error)
	// Prove returns whether the claim is the client's. It writes nothing. An error is a
	// fault of the server, not of the proof, but for an [Unproved].
	Prove(ctx context.Context, client store.Client, claim Claim, now time.Time) (Proof, error)
}

// Proof is what became of a claim.
type Proof struct {
	Good bool
	Use  store.Use // what of the claim is good once; zero: it may come again
}

// Unproved says what was wrong with a proof, for the log: whoever guesses is not told.
type Unproved struct{ Why error }

func (e *Unproved) Error() string { return e.Why.Error() }
func (e *Unproved) Unwrap() error { return e.Why }

// Authenticator authenticates clients.
type Authenticator struct {
	Clients store.Clients
	Methods []Method
}

// New returns an authenticator with the methods in the order given. A method
// that stands twice is an error.
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

// maxClientID bounds a client_id, and so what a stranger can write into the log,
// in bytes.
const maxClientID = 255

// Result is who sent a request.
type Result struct {
	Client *store.Client    // nil where the request presents no client at all
	Method oauth.AuthMethod // "" likewise
	// Use is what the client proved itself by and is good once, which is for the caller
	// to record when nothing else can refuse the request: one that is refused may come
	// again as it is; zero: nothing. Where it was used before, refuse with [UsedBefore].
	Use store.Use
	// Certificate is what the client presented in TLS, whatever it authenticated by;
	// nil: none.
	Certificate *certificates.Presented
	// Claimed is who a request that was refused says that it comes from, cut to
	// what is fit for a log.
	Claimed string
}

// Presented is what a request presents, before anything of it was proved.
type Presented struct {
	// Claimed is who the request says that it comes from, cut to what is fit for a
	// log; "" where it does not say.
	Claimed string

	request Request
	methods []Method
	claims  []Claim
}

// Present reads what a request presents, which costs little and asks nobody.
func (a *Authenticator) Present(r Request) (Presented, error) {
	methods, claims, err := a.presented(r)
	if err != nil || len(methods) == 0 {
		return Presented{}, err
	}
	id := claims[0].ClientID
	return Presented{Claimed: id[:min(len(id), maxClientID)], request: r, methods: methods, claims: claims}, nil
}

// Authenticate finds the client of a request. A request that presents nothing
// has no client, which is for the caller to accept or refuse; one that presents
// something wrong is refused with invalid_client (RFC 6749 §5.2).
func (a *Authenticator) Authenticate(ctx context.Context, p Presented) (Result, error) {
	if len(p.methods) == 0 {
		return Result{}, nil
	}
	r, methods, claims := p.request, p.methods, p.claims
	failed := Result{Method: methods[0].Name(), Claimed: p.Claimed}
	reason := "client_unknown"
	var why *Unproved
	for _, claim := range claims {
		if !registrable(claim.ClientID) {
			continue
		}
		client, err := a.Clients.Client(ctx, claim.ClientID)
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
		reason = "client_auth_method"
		for _, method := range methods {
			if !slices.Contains(client.AuthMethods, method.Name()) {
				continue
			}
			proof, err := method.Prove(ctx, client, claim, r.Now)
			if err != nil && !errors.As(err, &why) {
				return failed, fmt.Errorf("check the client's proof: %w", err)
			}
			if proof.Good {
				return Result{Client: &client, Method: method.Name(), Use: proof.Use, Certificate: r.Certificate}, nil
			}
			failed.Method, reason = method.Name(), "client_proof"
		}
	}
	if why != nil {
		return failed, refuse(reason).Because(why)
	}
	return failed, refuse(reason)
}

// registrable reports whether a client may be called so ([store.Client]). What
// no client can be called reaches neither the cache, whose memory it would take,
// nor the database, which takes no NUL and no broken UTF-8.
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

// presented returns the one method that the request uses, nothing where it uses none.
// Where a request only names its client there may be several: which of them it uses is
// what its client is registered for.
func (a *Authenticator) presented(r Request) ([]Method, []Claim, error) {
	if len(r.Authorization) > 1 {
		return nil, nil, oauth.Fail(oauth.InvalidRequest, "authorization_repeated", "the Authorization header stands more than once")
	}
	var used []Method
	var claims []Claim
	for _, m := range a.Methods {
		c, err := m.Claims(r)
		if err != nil {
			return nil, nil, err
		}
		if len(c) == 0 {
			continue
		}
		if used != nil && !namesOnly(r) { // RFC 6749 §2.3: a client MUST NOT use more than one method
			return nil, nil, oauth.Fail(oauth.InvalidRequest, "client_auth_twice",
				"the request authenticates its client in two ways: use the Authorization header, client_secret or client_assertion, one alone")
		}
		used, claims = append(used, m), c
	}
	if used == nil && len(r.Authorization) > 0 {
		return nil, nil, oauth.Fail(oauth.InvalidClient, "authorization_scheme",
			"the scheme of the Authorization header is not one that clients authenticate with here: use Basic")
	}
	if used == nil && r.Form.Has("client_assertion") { // of a kind that no method is of, since it is switched off
		return nil, nil, oauth.Fail(oauth.InvalidClient, "client_assertion_alg",
			"client_assertion is signed with an algorithm that is not taken here: see token_endpoint_auth_signing_alg_values_supported in "+
				"the metadata")
	}
	if id := r.Form.Get("client_id"); id != "" {
		// A proof that names no client, as an assertion without iss, is not believed below.
		claims = slices.DeleteFunc(claims, func(c Claim) bool { return c.ClientID != "" && c.ClientID != id })
		if used != nil && len(claims) == 0 {
			return nil, nil, oauth.Fail(oauth.InvalidRequest, "client_id_differs",
				"client_id in the body is not the client that the request authenticates")
		}
	}
	return used, claims, nil
}

// UsedBefore refuses a client whose proof was good and is so no more.
func UsedBefore() *oauth.Error {
	return refuse("client_proof").Because(&Unproved{errors.New("it was used before")})
}

// refuse gives one answer for every failed proof.
func refuse(reason string) *oauth.Error {
	return oauth.Fail(oauth.InvalidClient, reason,
		"client authentication failed: the client is unknown, its secret, assertion or certificate is wrong, expired or was used before, or it is not registered for this way to authenticate")
}
