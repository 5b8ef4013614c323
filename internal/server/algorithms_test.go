package server

import (
	"strings"
	"testing"

	"authserver/internal/config"
)

func TestAlgorithmsAreThoseThatAreKnown(t *testing.T) {
	for _, s := range []config.Server{
		{Proofs: config.Proofs{DPoPAlg: []string{"ES256", "none"}}}, {Proofs: config.Proofs{DPoPAlg: []string{"HS256"}}}, {Proofs: config.Proofs{DPoPAlg: []string{""}}},
		{ClientAssertions: config.ClientAssertions{ClientAssertionAlg: []string{"RS1"}}}, {ClientAssertions: config.ClientAssertions{ClientAssertionAlg: []string{"ES256", "es256"}}},
	} {
		if _, err := newAlgorithms(s); err == nil || !strings.Contains(err.Error(), "-alg") || !strings.Contains(err.Error(), "PS256") {
			t.Errorf("%v, %v: %v", s.DPoPAlg, s.ClientAssertionAlg, err)
		}
	}
	a, err := newAlgorithms(config.Server{})
	if err != nil || a.proofs != nil || a.assertions != nil || len(a.ofAssertions()) != 13 {
		t.Errorf("without a setting they are %+v, %v", a, err)
	}
	a, err = newAlgorithms(config.Server{Proofs: config.Proofs{DPoPAlg: []string{"EdDSA", "PS256"}}, ClientAssertions: config.ClientAssertions{ClientAssertionAlg: []string{"HS512", "ES256"}}})
	if err != nil || strings.Join(a.proofs, " ") != "PS256 EdDSA" || strings.Join(a.ofAssertions(), " ") != "HS512 ES256" {
		t.Errorf("they are %+v, %v", a, err)
	}
}
