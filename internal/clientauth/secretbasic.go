package clientauth

import (
	"context"
	"encoding/base64"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// SecretBasic is client_secret_basic: identifier and secret in the Authorization
// header (RFC 6749 §2.3.1).
type SecretBasic struct{ Secrets Secrets }

// Name implements [Method].
func (SecretBasic) Name() oauth.AuthMethod { return oauth.AuthBasic }

// Credentials implements [Method]. RFC 6749 requires that both halves are form-urlencoded before
// they are joined, but many clients send them raw. If the two readings differ, both are returned,
// the RFC's first. That is safe: if either is the secret, the sender knew it.
func (SecretBasic) Credentials(r Request) ([]Credentials, error) {
	if len(r.Authorization) == 0 {
		return nil, nil
	}
	scheme, encoded, _ := strings.Cut(r.Authorization[0], " ")
	if !strings.EqualFold(scheme, "Basic") { // RFC 9110 §11.1: schemes are case-insensitive
		return nil, nil
	}
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return nil, malformedBasic()
	}
	id, secret, ok := strings.Cut(string(plain), ":")
	if !ok || !utf8.Valid(plain) || strings.ContainsRune(string(plain), 0) {
		return nil, malformedBasic()
	}
	raw := Credentials{ClientID: id, Secrets: []string{secret}}
	decodedID, decoded, ok := formDecoded(id, secret)
	switch {
	case !ok || decodedID == id && decoded == secret:
		return []Credentials{raw}, nil
	case decodedID == id: // both readings are checked together
		return []Credentials{{ClientID: id, Secrets: []string{decoded, secret}}}, nil
	}
	return []Credentials{{ClientID: decodedID, Secrets: []string{decoded}}, raw}, nil
}

// formDecoded reads both halves as form-urlencoded, if that is possible.
func formDecoded(id, secret string) (decodedID, decoded string, ok bool) {
	decodedID, errID := url.QueryUnescape(id)
	decoded, errSecret := url.QueryUnescape(secret)
	return decodedID, decoded, errID == nil && errSecret == nil
}

// Verify implements [Method].
func (m SecretBasic) Verify(ctx context.Context, client store.Client, presented Credentials, now time.Time) (Outcome, error) {
	return m.Secrets.match(ctx, client, presented, now)
}

func malformedBasic() *oauth.Error {
	return oauth.Fail(oauth.InvalidClient, "basic_malformed",
		"the Authorization header is malformed: after Basic comes the base64 of client_id:client_secret, each form-urlencoded (RFC 6749 section 2.3.1)")
}
