package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"authserver/internal/jose"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// inspectEncrypted shows the recipient of a JWE, and how the recipient decrypts it. Only a JWE for
// this server itself can be checked further.
func (ins *Inspector) inspectEncrypted(ctx context.Context, header jose.Header, token string, explain bool) (Inspection, error) {
	i := Inspection{Kind: KindEncrypted, Header: header.All}
	fault := jose.CheckEncryptedHeader(header)
	if fault == nil {
		if err := ins.Signing.Reload(ctx); err != nil {
			return Inspection{}, fmt.Errorf("read the keys: %w", err)
		}
		if signed, err := ins.Signing.Decrypt(token); err == nil { // an assertion, for this server
			inner, err := ins.inspectSigned(ctx, string(signed), header.Alg, explain)
			within := Finding{Code: FoundEncrypted, OK: true, Text: Text{"it is encrypted (JWE) to key %q of this server. Its content:", []any{header.KID}}}
			inner.Reasons = append([]Finding{within}, inner.Reasons...)
			return inner, err
		}
		resource, err := encryptedFor(ctx, header.KID, ins.Resources.ListResources, func(r store.Resource) (string, json.RawMessage) { return r.ID, r.EncryptionJWK })
		if err != nil {
			return Inspection{}, err
		}
		if resource != "" {
			i = bad(i, FoundEncrypted, "it is encrypted (JWE) to key %q of resource %s: what is signed within can be read with the private key of that alone. Decrypt it there and inspect what is inside",
				header.KID, resource)
			return ins.inspectHandle(ctx, i, token)
		}
	}
	client, err := encryptedFor(ctx, header.KID, ins.Clients.ListClients, func(c store.Client) (string, json.RawMessage) { return c.ID, c.EncryptionJWK })
	switch {
	case err != nil:
		return Inspection{}, err
	case client != "":
		return bad(i, FoundEncrypted, "it is encrypted (JWE) to key %q of client %s, as ID tokens, logout tokens and answers of userinfo are: it can be read with the private key of that alone. Decrypt it there and inspect what is inside",
			header.KID, client), nil
	case fault != nil:
		return bad(i, FoundMalformed, "it is encrypted (JWE): %v", fault), nil
	}
	return bad(i, FoundUnregistered, "it is encrypted (JWE) to key %q, which no resource and no client is registered with: see %v and %v",
		header.KID, Operation{Noun: "resource", Verb: "list"}, Operation{Noun: "client", Verb: "list"}), nil
}

// inspectHandle adds what the handle of an encrypted access token shows: revocation and expiry, but
// not the user and the client.
func (ins *Inspector) inspectHandle(ctx context.Context, i Inspection, token string) (Inspection, error) {
	if err := ins.Refresh.Reload(ctx); err != nil {
		return Inspection{}, err
	}
	handle, err := (&tokens.Handles{Keys: ins.Refresh}).Find(token)
	if err != nil {
		return bad(i, FoundMalformed, "it cannot be revoked as it is: %v", err), nil
	}
	if !ins.Now().Before(handle.ExpiresAt) {
		i = bad(i, FoundExpired, "it expired at %s", handle.ExpiresAt.Format(time.RFC3339))
	}
	revocations, err := ins.revocationsOf(ctx, tokens.Claims{ID: handle.ID, Parsed: handle.Parsed})
	for _, r := range revocations {
		i = bad(i, FoundRevoked, "%s", r)
	}
	return i, err
}

// encryptedFor returns the first noun whose tokens are encrypted to a key, or "".
func encryptedFor[N any](ctx context.Context, kid string, list func(context.Context, store.Page) ([]N, error), of func(N) (id string, key json.RawMessage)) (string, error) {
	page := Page{Limit: store.MaxPage}
	for {
		nouns, err := list(ctx, page)
		if err != nil {
			return "", fmt.Errorf("look for the recipient of the token: %w", err)
		}
		var last string
		for _, noun := range nouns {
			id, registered := of(noun)
			var key struct {
				KID string `json:"kid"`
			}
			if registered != nil && json.Unmarshal(registered, &key) == nil && key.KID == kid {
				return id, nil
			}
			last = id
		}
		if len(nouns) < page.Limit {
			return "", nil
		}
		page.After = last
	}
}
