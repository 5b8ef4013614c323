//go:build !cloudkms

package keepers_test

import (
	"strings"
	"testing"

	"authserver/internal/keys/keepers"
)

func TestCloudsNeedAnotherBuild(t *testing.T) {
	for _, url := range []string{"awskms://alias/x", "gcpkms://projects/p", "azurekeyvault://v.vault.azure.net/keys/k"} {
		_, _, err := keepers.Open(t.Context(), url)
		if err == nil || !strings.Contains(err.Error(), "awskms, azurekeyvault and gcpkms need a build with `-tags cloudkms`") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
