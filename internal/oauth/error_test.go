package oauth_test

import (
	"testing"

	"authserver/internal/oauth"
	"authserver/internal/testkit"
)

// TestCodes: every declared code is a value of the label of the metrics.
func TestCodes(t *testing.T) {
	testkit.CheckListed(t, "error.go", "Code", oauth.Codes())
}
