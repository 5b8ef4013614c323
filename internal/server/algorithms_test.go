package server

import (
	"strings"
	"testing"

	"authserver/internal/config"
)

func TestAlgorithmsAreThoseThatAreKnown(t *testing.T) {
	for _, chosen := range []struct{ clients, proofs []string }{
		{proofs: []string{"ES256", "none"}}, {proofs: []string{"HS256"}}, {proofs: []string{""}},
		{clients: []string{"RS1"}}, {clients: []string{"ES256", "es256"}},
	} {
		_, err := newAlgorithms(config.ClientAssertions{ClientAssertionAlg: chosen.clients}, config.DPoP{DPoPAlg: chosen.proofs})
		if err == nil || !strings.Contains(err.Error(), "-alg") || !strings.Contains(err.Error(), "PS256") {
			t.Errorf("%v: %v", chosen, err)
		}
	}
	a, err := newAlgorithms(config.ClientAssertions{}, config.DPoP{})
	if err != nil || a.proofs != nil || a.assertions != nil || len(a.ofAssertions()) != 13 {
		t.Errorf("without a setting they are %+v, %v", a, err)
	}
	a, err = newAlgorithms(config.ClientAssertions{ClientAssertionAlg: []string{"HS512", "ES256"}}, config.DPoP{DPoPAlg: []string{"EdDSA", "PS256"}})
	if err != nil || strings.Join(a.proofs, " ") != "PS256 EdDSA" || strings.Join(a.ofAssertions(), " ") != "HS512 ES256" {
		t.Errorf("they are %+v, %v", a, err)
	}
}
