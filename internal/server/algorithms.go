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
func newAlgorithms(clients config.ClientAssertions, proofs config.DPoP) (algorithms, error) {
	var a algorithms
	for _, setting := range []struct {
		name   string
		chosen []string
		known  []string
		to     *[]string
	}{
		{"client-assertion-alg", clients.ClientAssertionAlg, knownAssertions(), &a.assertions},
		{"dpop-alg", proofs.DPoPAlg, jose.Algorithms(), &a.proofs},
	} {
		for _, alg := range setting.chosen {
			if !slices.Contains(setting.known, alg) {
				return algorithms{}, fmt.Errorf("%s has %q: choose from %s, separated by commas", setting.name, alg, strings.Join(setting.known, ", "))
			}
		}
		if len(setting.chosen) > 0 {
			*setting.to = jose.Common(setting.known, setting.chosen)
		}
	}
	return a, nil
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
