package server

import (
	"fmt"
	"slices"
	"strings"

	"authserver/internal/config"
	"authserver/internal/jose"
	"authserver/internal/trust/assertions"
)

// algorithms are those that the settings allow to clients.
type algorithms struct {
	assertions []string // of clients
	proofs     []string // of possession
}

// newAlgorithms reads the settings. A setting without a value is nil, and limits nothing.
func newAlgorithms(clients config.ClientAssertions, proofs config.DPoP) (a algorithms, err error) {
	if a.assertions, err = choose("client-assertion-alg", clients.ClientAssertionAlg, knownAssertions()); err != nil {
		return algorithms{}, err
	}
	a.proofs, err = choose("dpop-alg", proofs.DPoPAlg, jose.Algorithms())
	return a, err
}

func choose(setting string, chosen, known []string) ([]string, error) {
	if len(chosen) == 0 {
		return nil, nil
	}
	for _, alg := range chosen {
		if !slices.Contains(known, alg) {
			return nil, fmt.Errorf("%s has %q: choose from %s, separated by commas", setting, alg, strings.Join(known, ", "))
		}
	}
	return jose.Common(known, chosen), nil
}

// ofClients are the rules for the assertions of clients.
func (a algorithms) ofClients(s config.Assertions) assertions.ClientRules {
	return assertions.ClientRules{Algorithms: a.assertions, MaxLifetime: s.AssertionMaxLifetime}
}

// knownAssertions are all algorithms that a client's assertion may have.
func knownAssertions() []string {
	return slices.Concat(assertions.SecretAlgorithms(), assertions.KeyAlgorithms())
}

// ofAssertions are the algorithms of assertions, for the metadata.
func (a algorithms) ofAssertions() []string { return jose.Common(knownAssertions(), a.assertions) }

// takes reports whether a client's assertion may have one of the algorithms.
func (a algorithms) takes(kind []string) bool { return len(jose.Common(kind, a.assertions)) > 0 }
