package bcp195

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"
)

// The server offers all suites of Go with ephemeral keys and authenticated encryption. If Go adds a
// suite, the maintainer must look at it.
func TestSuites(t *testing.T) {
	var want []uint16
	for _, suite := range tls.CipherSuites() {
		aead := strings.Contains(suite.Name, "_GCM_") || strings.Contains(suite.Name, "_POLY1305_")
		if slices.Contains(suite.SupportedVersions, tls.VersionTLS12) && strings.HasPrefix(suite.Name, "TLS_ECDHE_") && aead {
			want = append(want, suite.ID)
		}
	}
	got := Config().CipherSuites
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the suites are %x, want %x", got, want)
	}
}

func TestRestrict(t *testing.T) {
	old := &tls.Config{MinVersion: tls.VersionTLS10, ServerName: "kept"}
	Restrict(old)
	newer := &tls.Config{MinVersion: tls.VersionTLS13}
	Restrict(newer)
	if old.MinVersion != tls.VersionTLS12 || newer.MinVersion != tls.VersionTLS13 || old.ServerName != "kept" || len(old.CipherSuites) == 0 {
		t.Errorf("restricted to %x and %x", old.MinVersion, newer.MinVersion)
	}
}
