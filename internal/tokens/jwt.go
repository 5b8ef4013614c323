package tokens

import (
	"encoding/json"
	"fmt"
	"time"
)

// Sign signs claims as a JWT of a type other than [AccessType], such as an ID token. by is the
// client that waits for it.
func (m *Minter) Sign(now time.Time, alg, typ, by string, claims any) (string, error) {
	signer, err := m.Keys.Signer(alg)
	if err != nil {
		return "", notReady(now, fmt.Errorf("sign a JWT: %w", err))
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("sign a JWT: encode its claims: %w", err)
	}
	token, err := m.sign(signer, typ, by, payload)
	if err != nil {
		return "", cannotSign(fmt.Errorf("sign a JWT: %w", err))
	}
	return string(token), nil
}

// HashInputs are the values that come with an ID token and whose hashes it contains (OpenID Connect
// Core §3.3.2.11); "": there is none.
type HashInputs struct {
	AccessToken string // at_hash
	Code        string // c_hash
	State       string // s_hash (FAPI 1.0 Advanced §5.1)
}
