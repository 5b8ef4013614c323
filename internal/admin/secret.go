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

// ClientSecret is a secret of a client as it is shown: everything but the secret.
type ClientSecret struct {
	ID        string           `json:"id"`
	Kind      store.SecretKind `json:"kind"`
	CreatedAt time.Time        `json:"created_at"`
	ExpiresAt *time.Time       `json:"expires_at"` // null: does not expire
}

const (
	madeSecretBytes  = 32 // 256 bits, which no slow hash has to protect
	secretIDBytes    = 5
	minBroughtSecret = 8
	maxSealedSecret  = 512
)

// SecretRotation is a new secret of a client to be.
type SecretRotation struct {
	Secret  string        // one that an administrator brings; "": one is made
	Overlap time.Duration // for which the old ones stay good beside it; zero ends them at once
	Tell    Tell
}

// RotateSecret gives a client a new secret, and returns the client with it.
func (a *Admin) RotateSecret(ctx context.Context, by Call, id string, r SecretRotation) (ClientWithSecret, error) {
	if r.Overlap < 0 {
		return ClientWithSecret{}, invalid("--overlap is %s: it cannot be negative", r.Overlap)
	}
	c, err := a.Store.Client(ctx, id)
	if err != nil {
		return ClientWithSecret{}, explain("client", id, err)
	}
	if !hasSecrets(c) {
		return ClientWithSecret{}, invalid("client %q is public, or has keys alone, and has no secret: give it an --auth-method with one first with `authserver client update`", id)
	}
	secret, made, err := a.newSecret(ctx, c, r.Secret)
	if err != nil {
		return ClientWithSecret{}, err
	}
	now := store.At(a.Now())
	c.Secrets = append(ending(c.Secrets, now, store.At(now.Add(r.Overlap))), secret)
	if len(c.Secrets) > store.MaxClientSecrets {
		return ClientWithSecret{}, fmt.Errorf("client %q has %d secrets that are good still: wait for one to expire, or end them all with --overlap 0s", id, len(c.Secrets)-1)
	}
	c.UpdatedAt = now
	view, err := viewClient(c)
	if err != nil {
		return ClientWithSecret{}, err
	}
	rotated := ClientWithSecret{Client: view, Secret: made}
	told, err := r.Tell.ahead(rotated)
	if err != nil {
		return ClientWithSecret{}, err
	}
	if err := a.Store.UpdateClient(ctx, c, nil); err != nil {
		return ClientWithSecret{}, notInForce(told, explain("client", id, err))
	}
	return rotated, nil
}

// ending returns the secrets that are good still, none for longer than until.
func ending(secrets []store.ClientSecret, now, until store.Moment) []store.ClientSecret {
	secrets = slices.Clone(secrets)
	for i, s := range secrets {
		if s.ExpiresAt.IsZero() || s.ExpiresAt.After(until) {
			secrets[i].ExpiresAt = until
		}
	}
	return slices.DeleteFunc(secrets, func(s store.ClientSecret) bool { return !s.Live(now) })
}

// newSecret keeps the secret brought or, for "", one that it makes, in the way that
// the client needs it, and returns it in clear too.
func (a *Admin) newSecret(ctx context.Context, c store.Client, brought string) (secret store.ClientSecret, clear string, err error) {
	if secret.ID, err = a.name(secretIDBytes); err != nil {
		return store.ClientSecret{}, "", err
	}
	secret.CreatedAt = store.At(a.Now())
	if err := keyfiles.Check([]byte(brought), keyfiles.Secret); err != nil {
		return store.ClientSecret{}, "", invalid("--secret-file: %w", err)
	}
	if clear = brought; brought == "" {
		random, err := a.random(madeBytes(c))
		if err != nil {
			return store.ClientSecret{}, "", err
		}
		clear = base64.RawURLEncoding.EncodeToString(random)
	}
	switch {
	case signs(c):
		err = a.sealSecret(&secret, c, clear)
	case brought != "":
		err = a.hashSecret(ctx, &secret, brought)
	default:
		sum := sha256.Sum256([]byte(clear))
		secret.Kind, secret.Hash = store.SecretSHA256, sum[:]
	}
	return secret, clear, err
}

// madeBytes is how many random bytes a secret has that is made here. One that is to sign
// is as long as the longest hash, in its text, where the shortest is not allowed
// (RFC 7518 §3.2).
func madeBytes(c store.Client) int {
	const longest = 48
	if signs(c) && c.AssertionAlgs != nil && !slices.Contains(c.AssertionAlgs, "HS256") {
		return longest
	}
	return madeSecretBytes
}

func (a *Admin) sealSecret(to *store.ClientSecret, c store.Client, secret string) error {
	if len(secret) < jose.MinSecretBytes || len(secret) > maxSealedSecret {
		return invalid("a client secret for client_secret_jwt must have %d to %d bytes, and this one has %d", jose.MinSecretBytes, maxSealedSecret, len(secret))
	}
	if len(jose.Common(jose.SecretAlgorithms(len(secret)), c.AssertionAlgs)) == 0 {
		return invalid("the client secret has %d bytes, which is too short for --assertion-alg: a secret is as long as the hash, 32, 48 or 64 bytes (RFC 7518 section 3.2)", len(secret))
	}
	sealed, err := a.Sealer.Seal([]byte(secret), store.SealedAs("clients", c.ID+"/"+to.ID))
	if err != nil {
		return fmt.Errorf("seal the client secret: %w", err)
	}
	to.Kind, to.Hash = store.SecretSealed, sealed
	return nil
}

func (a *Admin) hashSecret(ctx context.Context, to *store.ClientSecret, secret string) (err error) {
	if len(secret) < minBroughtSecret || len(secret) > passwords.MaxBytes {
		return invalid("a client secret must have %d to %d bytes, and this one has %d", minBroughtSecret, passwords.MaxBytes, len(secret))
	}
	to.Kind = store.SecretBcrypt
	if to.Hash, err = a.Passwords.Hash(ctx, secret); err != nil {
		return fmt.Errorf("hash the client secret: %w", err)
	}
	return nil
}
