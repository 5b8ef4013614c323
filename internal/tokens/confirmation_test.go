package tokens

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// RFC 7800 §3.1: the claim names the keys, and is absent if there are none.
func TestMintConfirms(t *testing.T) {
	for name, test := range map[string]struct {
		of   Confirmation
		want any
	}{
		"nothing":            {Confirmation{}, nil},
		"a DPoP key":         {Confirmation{JKT: "a"}, map[string]any{"jkt": "a"}},
		"a certificate":      {Confirmation{X5TS256: "b"}, map[string]any{"x5t#S256": "b"}},
		"both, by one token": {Confirmation{JKT: "a", X5TS256: "b"}, map[string]any{"jkt": "a", "x5t#S256": "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := anAccess("ES256")
			a.Confirmation = test.of
			_, payload, _ := parts(t, mint(t, newMinter(newKeyring(t)), a).Token)
			if diff := cmp.Diff(test.want, object(t, payload)["cnf"]); diff != "" {
				t.Errorf("cnf (-want +got):\n%s", diff)
			}
		})
	}
}
