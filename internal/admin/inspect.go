package admin

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"authserver/internal/jose"
	"authserver/internal/keys"
	"authserver/internal/keys/sealing"
	"authserver/internal/store"
	"authserver/internal/tokens"
	"authserver/internal/trust/remotekeys"
)

// The kinds of tokens.
const (
	KindAccess    = "access_token"
	KindRefresh   = "refresh_token"
	KindAssertion = "assertion"
	KindEncrypted = "encrypted_token" // a JWE, whose content only the holder of its key can read
	KindUnknown   = "unknown"
)

// Inspection is the result for a token. It never contains the token.
type Inspection struct {
	Kind    string         `json:"kind"`
	Good    bool           `json:"good"`
	Reasons []Finding      `json:"reasons"`       // why
	Key     string         `json:"key,omitempty"` // what the key of an access token is, in words
	Header  map[string]any `json:"header,omitempty"`
	Claims  map[string]any `json:"claims,omitempty"`
	Family  *Family        `json:"family,omitempty"`
	// Checks are the single checks of an assertion, if they were requested.
	Checks []Finding `json:"checks,omitempty"`
}

// Finding is one result of an inspection.
type Finding struct {
	Code   FindingCode `json:"code"`
	OK     bool        `json:"ok"`
	Text   Text        `json:"text"`
	Change Text        `json:"change"` // what to change, where and how; empty: nothing
}

// FindingCode is the kind of a finding, for programs. A check of an assertion has a code of
// its own, which is its name: "alg", "key", "signature" and so on.
type FindingCode string

// The codes of reasons.
const (
	FoundGood         FindingCode = "good"
	FoundMalformed    FindingCode = "malformed"   // it is not a token of a known kind
	FoundRefused      FindingCode = "refused"     // a check of its signature or its claims fails
	FoundRevoked      FindingCode = "revoked"     // it was revoked, or its family, or all tokens of its user or client
	FoundExpired      FindingCode = "expired"     // it is too old, or was unused for too long
	FoundReplaced     FindingCode = "replaced"    // it was exchanged for a newer one
	FoundDeleted      FindingCode = "gone"        // its family, client or user was deleted
	FoundDisabled     FindingCode = "disabled"    // its client, user or issuer is disabled
	FoundUnregistered FindingCode = "not_found"   // its issuer or its key is not registered
	FoundMethod       FindingCode = "unsupported" // its client is not registered for this kind of signature
	FoundEncrypted    FindingCode = "encrypted"   // its content cannot be read here, or the next finding has it
)

// Inspector inspects tokens, and changes nothing.
type Inspector struct {
	*Common
	Audiences []string // the names under which an assertion may address this server
	Families  *Families
	Issuers   store.Issuers
	Clients   interface {
		store.Clients
		ListClients(ctx context.Context, page store.Page) ([]store.Client, error)
	}
	Users      store.Users
	Names      store.Names
	Assertions store.AssertionAdmin
	Resources  interface {
		ListResources(ctx context.Context, page store.Page) ([]store.Resource, error)
	}
	Revocations interface {
		RevocationsAfter(ctx context.Context, after store.Cursor, now store.Moment, limit int) ([]store.Revocation, store.Cursor, error)
	}
	Signing *keys.Manager
	// Subjects finds the user of a pairwise subject.
	Subjects *keys.SubjectSecret
	Refresh  *keys.RefreshKeys // nothing is loaded yet
	Sealer   *sealing.Sealer
	Remote   *remotekeys.Sets // the key sets that issuers and clients publish
}

func bad(i Inspection, code FindingCode, format string, args ...any) Inspection {
	i.Good = false
	i.Reasons = append(i.Reasons, Finding{Code: code, Text: Text{format, args}})
	return i
}

func good(i Inspection, format string, args ...any) Inspection {
	i.Good = true
	i.Reasons = append(i.Reasons, Finding{Code: FoundGood, OK: true, Text: Text{format, args}})
	return i
}

// Inspect says what a token is and why it is valid or not at this server now; for an assertion, if
// requested, with every check. An error means that it could not find that out.
func (ins *Inspector) Inspect(ctx context.Context, by Call, token string, explain bool) (Inspection, error) {
	if ins.Self == "" {
		return Inspection{}, Faults{newFault("", CodeRequired, "%v is missing: set it to that of the server whose token this is", Setting("issuer"))}
	}
	if strings.HasPrefix(token, tokens.RefreshPrefix) {
		return ins.inspectRefresh(ctx, token)
	}
	if encrypted, err := jose.ParseEncrypted(token, tokens.MaxAccessBytes); err == nil {
		return ins.inspectEncrypted(ctx, encrypted, token, explain)
	}
	return ins.inspectSigned(ctx, token, "", explain)
}

// inspectSigned is Inspect for a JWT that is signed, and was encrypted to this server
// with an algorithm, or "".
func (ins *Inspector) inspectSigned(ctx context.Context, token, encryption string, explain bool) (Inspection, error) {
	header, claims, err := decode(token)
	if err != nil {
		return bad(Inspection{Kind: KindUnknown}, FoundMalformed, "it is neither a JWT nor a refresh token of this server: %v", err), nil
	}
	typ, _ := header["typ"].(string)
	iss, _ := claims["iss"].(string)
	if tokens.LooksLikeAccessToken(typ, iss, ins.Self) {
		return ins.inspectAccess(ctx, token, Inspection{Kind: KindAccess, Header: header, Claims: claims})
	}
	return ins.inspectAssertion(ctx, token, encryption, Inspection{Kind: KindAssertion, Header: header, Claims: claims}, explain)
}

// decode reads a JWS in compact form (RFC 7515 §7.1) without verifying it.
func decode(token string) (header, claims map[string]any, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, nil, errors.New("a signed JWT has three parts with dots between them")
	}
	for n, to := range []*map[string]any{&header, &claims} {
		data, err := base64.RawURLEncoding.DecodeString(parts[n])
		if err != nil {
			return nil, nil, errors.New("a part is not base64url without padding")
		}
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.UseNumber()
		if err := decoder.Decode(to); err != nil {
			return nil, nil, errors.New("a part is not a JSON object")
		}
	}
	return header, claims, nil
}

func (ins *Inspector) inspectAccess(ctx context.Context, token string, i Inspection) (Inspection, error) {
	if err := ins.Signing.Reload(ctx); err != nil {
		return Inspection{}, fmt.Errorf("read the signing keys: %w", err)
	}
	if err := ins.Subjects.Reload(ctx); err != nil {
		return Inspection{}, err
	}
	verifier := &tokens.Verifier{Issuer: ins.Self, Keys: ins.Signing, Pairwise: &tokens.Pairwise{Secret: ins.Subjects.Get}, Skew: ins.Limits.ClockSkew}
	now := ins.Now()
	kid, _ := i.Header["kid"].(string)
	var err error
	if i.Key, err = ins.Signing.Explain(ctx, kid); err != nil {
		return Inspection{}, err
	}
	claims, err := verifier.Verify(now, token)
	if err != nil {
		return bad(i, FoundRefused, "%v", err), nil
	}
	if i.Family, err = ins.familyOf(ctx, claims); err != nil {
		return Inspection{}, err
	}
	revocations, err := ins.revocationsOf(ctx, claims)
	if err != nil {
		return Inspection{}, err
	}
	for _, r := range revocations {
		i = bad(i, FoundRevoked, "%s", r)
	}
	if len(revocations) > 0 {
		return i, nil
	}
	return good(i, "signed by key %s, not revoked, and good for another %s, until %s",
		claims.KID, claims.ExpiresAt.Sub(now).Round(time.Second), claims.ExpiresAt.Format(time.RFC3339)), nil
}

// familyOf is the family of an access token; nil: it has none, or the family was deleted.
func (ins *Inspector) familyOf(ctx context.Context, c tokens.Claims) (*Family, error) {
	if c.Parsed.Family.IsZero() {
		return nil, nil //nolint:nilnil // that there is none is an answer
	}
	f, err := ins.Families.Store.Family(ctx, c.Parsed.Family)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // likewise
	}
	if err != nil {
		return nil, fmt.Errorf("look up its family: %w", err)
	}
	family, err := ins.Families.view(ctx, ins.Families.owners(), f)
	return &family, err
}

// revocationsOf returns in words what revokes the token.
func (ins *Inspector) revocationsOf(ctx context.Context, c tokens.Claims) ([]string, error) {
	var found []string
	var cursor store.Cursor
	for {
		batch, next, err := ins.Revocations.RevocationsAfter(ctx, cursor, store.At(ins.Now()), store.MaxPage)
		if err != nil {
			return nil, fmt.Errorf("read what is revoked: %w", err)
		}
		for _, r := range batch {
			if c.VoidedBy(r) {
				found = append(found, inWords(r))
			}
		}
		if len(batch) == 0 || next == cursor {
			return found, nil
		}
		cursor = next
	}
}

// inWords describes a revocation of a token.
func inWords(r store.Revocation) string {
	switch r.Kind {
	case store.RevokedFamily:
		return "its family was revoked: " + ended(r.Reason)
	case store.RevokedUser:
		return fmt.Sprintf("all tokens of its user that were issued before %s are revoked: %s", r.Before.Format(time.RFC3339), ended(r.Reason))
	case store.RevokedClient:
		return fmt.Sprintf("all tokens of its client that were issued before %s are revoked: %s", r.Before.Format(time.RFC3339), ended(r.Reason))
	}
	return "it was revoked: " + ended(r.Reason)
}
