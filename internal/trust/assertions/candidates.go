package assertions

import (
	"context"
	"fmt"
	"time"

	"authserver/internal/jose"
	"authserver/internal/oauth"
	"authserver/internal/trust/remotekeys"
)

// Opener opens what was sealed for a row.
type Opener interface {
	Open(sealed []byte, as string) ([]byte, error)
}

// candidates returns the registered keys that may have signed an assertion with this header. The
// caller has checked the algorithm against the registration.
func (v *Verifier) candidates(ctx context.Context, now time.Time, k Keys, h jose.Header) ([]any, error) {
	if len(k.Secrets) > 0 {
		return v.fromSecrets(k.Secrets, h)
	}
	var found []any
	if len(k.JWKS) > 0 {
		set, err := v.keySets.Get(k.JWKS, jose.ParseKeySet)
		if err != nil {
			return nil, &Fault{fmt.Errorf("parse the registered key set: %w", err)}
		}
		for _, key := range set.Find(h) {
			found = append(found, key.Public)
		}
	}
	if k.Remote != (remotekeys.Source{}) {
		keys, err := v.Remote.Keys(ctx, k.Remote, h)
		if err != nil {
			return nil, &Fault{oauth.Fail(oauth.Unavailable, "remote_keys_unavailable",
				"the keys that verify the assertion cannot be fetched now: try again later").Because(err)}
		}
		for _, key := range keys {
			found = append(found, key.Public)
		}
	}
	if len(k.Certificates) > 0 && len(found) == 0 {
		return v.fromCertificates(now, k, h)
	}
	return firstKeys(found)
}

func (v *Verifier) fromSecrets(secrets []Secret, h jose.Header) ([]any, error) {
	var found []any
	for _, s := range secrets {
		secret, err := v.Opener.Open(s.Sealed, s.As)
		if err != nil {
			return nil, &Fault{fmt.Errorf("unseal the shared secret %s: %w", s.As, err)}
		}
		if jose.KeyFits(h.Alg, secret) {
			found = append(found, secret)
		}
	}
	return firstKeys(found)
}

// fromCertificates chooses by x5t#S256 and x5t. If both are present, both must match. It ignores a
// kid, because certificates have none.
func (v *Verifier) fromCertificates(now time.Time, k Keys, h jose.Header) ([]any, error) {
	registered, err := v.onFile(k.Certificates)
	if err != nil {
		return nil, &Fault{err}
	}
	authorities, err := v.onFile(k.Authorities)
	if err != nil {
		return nil, &Fault{err}
	}
	var found []any
	outdated := false
	var untrusted error
	for _, certificate := range registered {
		if !certificate.named(h) {
			continue
		}
		if !jose.KeyFits(h.Alg, certificate.PublicKey) {
			continue
		}
		if now.Before(certificate.NotBefore) || now.After(certificate.NotAfter) {
			outdated = true
			continue
		}
		if err := certificate.check(now, registered, authorities); err != nil {
			untrusted = err
			continue
		}
		found = append(found, certificate.PublicKey)
	}
	if len(found) == 0 && untrusted != nil {
		return nil, fmt.Errorf("the certificate that it names is not valid: %w", untrusted)
	}
	if len(found) == 0 && outdated {
		return nil, fmt.Errorf("the certificate that it names is expired or not valid yet")
	}
	return firstKeys(found)
}

func firstKeys(keys []any) ([]any, error) {
	if len(keys) == 0 {
		return nil, jose.ErrNoKey
	}
	return keys[:min(len(keys), maxTried)], nil
}
