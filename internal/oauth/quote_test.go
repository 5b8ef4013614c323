package oauth

import (
	"strings"
	"testing"
)

func TestQuote(t *testing.T) {
	for value, want := range map[string]string{
		"orders:read":                          `scope "orders:read"`,
		"https://api.example.com":              `scope "https://api.example.com"`,
		"https://u:s3cr3t@api.example":         "scope",
		"":                                     "scope",
		strings.Repeat("x", maxQuoted+1):       "scope",
		"621f47c1-b39f-46bd-af40-cca72b63357f": `scope "621f47c1-b39f-46bd-af40-cca72b63357f"`,
		"art_" + strings.Repeat("Aq7", 12):     "scope", // a refresh token, or a client's secret
		"a\"b":                                 "scope",
		"a\\b":                                 "scope",
		"a\nb":                                 "scope",
		"é":                                    "scope",
	} {
		if got := Quote("scope", value); got != want {
			t.Errorf("%q is named %s, want %s", value, got, want)
		}
	}
}
