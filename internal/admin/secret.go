package admin

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"authserver/internal/jose"
	"authserver/internal/keys/keyfiles"
	"authserver/internal/passwords"
	"authserver/internal/store"
)

// ClientSecret is a secret of a client, for display: everything but the secret.
type ClientSecret struct {
	ID        string           `json:"id"`
	Kind      store.SecretKind `json:"kind"`
	CreatedAt time.Time        `json:"created_at"`
	ExpiresAt *time.Time       `json:"expires_at"` // null: does not expire
}

const (
	madeSecretBytes  = 32 // 256 bits, which need no slow hash
	secretIDBytes    = 5
	minBroughtSecret = 8
	maxSealedSecret  = 512
)

// SecretRotation is a rotation of a client's secret.
type SecretRotation struct {
	Secret     string        `field:"client_secret"`   // one that an administrator brings; "": one is made
	Overlap    time.Duration `field:"overlap_seconds"` // how long the old ones stay valid; zero ends them at once
	ShowSecret ShowSecret
}

// ShowSecret is given a client with its secret, which can be shown once only, and warnings. If it returns an
// error, the change is not made or is undone: a new client is deleted again, and an existing one
// keeps its secrets. It is not called for a client without a secret; nil: nothing is shown.
type ShowSecret func(ClientWithSecret, []Fault) error

func (s ShowSecret) show(c ClientWithSecret, warnings []Fault) error {
	if s == nil || c.Secret == "" {
		return nil
	}
	return s(c, warnings)
}

// RotateSecret gives a client a new secret, and returns the client with it.
func (cs *Clients) RotateSecret(ctx context.Context, by Call, id string, r SecretRotation) (ClientWithSecret, error) {
	c, err := cs.Store.Client(ctx, id)
	if err != nil {
		return ClientWithSecret{}, explain("client", id, err)
	}
	var f form
	if r.Overlap < 0 {
		f.fault("overlap_seconds", CodeInvalid, "it is %s and cannot be negative", r.Overlap)
	}
	if !hasSecrets(c) {
		f.fault("", CodeConflict, "client %q is public, or has keys alone, and has no secret: let it authenticate with one first with %v", id, Operation{Noun: "client", Verb: "update", ID: id}.with("auth_methods", ""))
	}
	secret, made := cs.newSecret(ctx, &f, c, r.Secret)
	if err := f.result(); err != nil {
		return ClientWithSecret{}, err
	}
	now := store.At(cs.Now())
	c.Secrets = append(ending(c.Secrets, now, store.At(now.Add(r.Overlap))), secret)
	if len(c.Secrets) > store.MaxClientSecrets {
		return ClientWithSecret{}, failure(nil, CodeTooMany, "client %q has %d valid secrets: wait for one to expire, or end them all with %v 0s", id, len(c.Secrets)-1, Field("overlap_seconds"))
	}
	c.UpdatedAt = now
	view, err := viewClient(c)
	if err != nil {
		return ClientWithSecret{}, err
	}
	rotated := ClientWithSecret{Client: view, Secret: made}
	// Before the store has it: the update may end the old secrets, which nothing brings back.
	if err := r.ShowSecret.show(rotated, nil); err != nil {
		return ClientWithSecret{}, fmt.Errorf("nothing was changed, because %w", err)
	}
	if err := cs.Store.UpdateClient(ctx, c, by.change(store.ClientSecretRotated, now)); err != nil {
		return ClientWithSecret{}, notInForce(r.ShowSecret != nil, explain("client", id, err))
	}
	return rotated, nil
}

// notInForce explains a refusal of the store after the secret was shown.
func notInForce(shown bool, err error) error {
	if !shown {
		return err
	}
	return failure(err, CodeConflict, "the secret that was shown is not valid, and nothing was changed: %v", err)
}

// firstSecret gives a new client the secret that it has by its methods, and returns it in
// clear; "": it has none.
func (cs *Clients) firstSecret(ctx context.Context, f *form, c *store.Client, brought string) string {
	switch {
	case hasSecrets(*c):
		secret, made := cs.newSecret(ctx, f, *c, brought)
		c.Secrets = []store.ClientSecret{secret}
		return made
	case brought != "":
		f.fault("client_secret", CodeConflict, "a public client has no secret, nor has one with keys or certificates alone: leave it out, or name a method with a secret in %v", Field("auth_methods"))
	}
	return ""
}

// ending returns the valid secrets, each until a moment at the latest.
func ending(secrets []store.ClientSecret, now, until store.Moment) []store.ClientSecret {
	secrets = slices.Clone(secrets)
	for i, s := range secrets {
		if s.ExpiresAt.IsZero() || s.ExpiresAt.After(until) {
			secrets[i].ExpiresAt = until
		}
	}
	return slices.DeleteFunc(secrets, func(s store.ClientSecret) bool { return !s.Live(now) })
}

// newSecret stores the given secret or, for "", one that it makes, in the form that the client
// needs, and also returns it in clear. A hash takes time, so it is made only if there is no fault.
func (cs *Clients) newSecret(ctx context.Context, f *form, c store.Client, brought string) (store.ClientSecret, string) {
	clear := brought
	var err error
	switch {
	case brought == "":
		clear, err = cs.makeSecret(c)
	default:
		cs.checkSecret(f, c, brought)
	}
	if err != nil || f.result() != nil {
		if err != nil {
			f.fail("make a secret: %w", err)
		}
		return store.ClientSecret{}, ""
	}
	secret, err := cs.keepSecret(ctx, c, clear, brought != "")
	if err != nil {
		f.fail("%w", err)
	}
	return secret, clear
}

func (cs *Clients) makeSecret(c store.Client) (string, error) {
	random, err := cs.random(madeBytes(c))
	return base64.RawURLEncoding.EncodeToString(random), err
}

// checkSecret refuses a secret that is too short, or that others may know, such as a public key.
func (cs *Clients) checkSecret(f *form, c store.Client, secret string) {
	const field Field = "client_secret"
	if err := keyfiles.Check([]byte(secret), keyfiles.Secret); err != nil {
		f.fault(field, CodeInvalid, "%s", unwanted(err))
		return
	}
	least, most, what := minBroughtSecret, passwords.MaxSecretBytes, "a client secret"
	if signs(c) {
		least, most, what = jose.MinSecretBytes, maxSealedSecret, "a client secret for client_secret_jwt"
	}
	code := CodeTooShort
	if len(secret) > most {
		code = CodeTooLong
	}
	switch {
	case len(secret) < least || len(secret) > most:
		f.fault(field, code, "%s must have %d to %d bytes, and this one has %d", what, least, most, len(secret))
	case signs(c) && len(jose.Common(jose.SecretAlgorithms(len(secret)), c.AssertionAlgs)) == 0:
		f.fault(field, CodeTooShort, "it has %d bytes, which is too short for %v of the client: a secret is as long as the hash, 32, 48 or 64 bytes (RFC 7518 section 3.2)", len(secret), Field("assertion_algs"))
	}
}

// keepSecret seals or hashes a secret.
func (cs *Clients) keepSecret(ctx context.Context, c store.Client, clear string, brought bool) (s store.ClientSecret, err error) {
	if s.ID, err = cs.name(secretIDBytes); err != nil {
		return s, err
	}
	s.CreatedAt = store.At(cs.Now())
	switch {
	case signs(c):
		s.Kind = store.SecretSealed
		if s.Hash, err = cs.Sealer.Seal([]byte(clear), store.SealedAs("clients", c.ID+"/"+s.ID)); err != nil {
			return s, fmt.Errorf("seal the client secret: %w", err)
		}
	case brought:
		s.Kind = store.SecretBcrypt
		if s.Hash, err = cs.Passwords.Hash(ctx, clear); err != nil {
			return s, fmt.Errorf("hash the client secret: %w", err)
		}
	default:
		sum := sha256.Sum256([]byte(clear))
		s.Kind, s.Hash = store.SecretSHA256, sum[:]
	}
	return s, nil
}

// madeBytes is the number of random bytes of a new secret. The text of a secret that signs is as
// long as the longest hash, if the shortest algorithm is not allowed (RFC 7518 §3.2).
func madeBytes(c store.Client) int {
	const longest = 48
	if signs(c) && c.AssertionAlgs != nil && !slices.Contains(c.AssertionAlgs, "HS256") {
		return longest
	}
	return madeSecretBytes
}
