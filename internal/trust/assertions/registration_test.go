package assertions

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// A client may sign with the algorithms that the server accepts, the client is registered for and
// its profile allows.
func TestTheAlgorithmsOfClients(t *testing.T) {
	const us, endpoint = "https://as.example.com", "https://as.example.com/oauth2/token"
	both := []oauth.AuthMethod{oauth.AuthPrivateKeyJWT, oauth.AuthSecretJWT}
	for _, test := range []struct {
		name   string
		client store.Client
		server []string
		alg    string
		want   []string
	}{
		{"all", store.Client{}, nil, "RS256", KeyAlgorithms()},
		{"all of a secret", store.Client{}, nil, "HS256", []string{"HS256", "HS384", "HS512"}},
		{"the server's", store.Client{}, []string{"PS256", "HS256"}, "RS256", []string{"PS256"}},
		{"the client's", store.Client{AssertionAlgs: []string{"ES256", "HS512"}}, nil, "RS256", []string{"ES256"}},
		{"the client's, of a secret", store.Client{AssertionAlgs: []string{"ES256", "HS512"}}, nil, "HS512", []string{"HS512"}},
		{"the profile's", store.Client{Profile: store.ProfileFAPI2}, nil, "RS256", []string{"PS256", "ES256", "EdDSA"}},
		{"the profile's, of a secret", store.Client{Profile: store.ProfileFAPI2}, nil, "HS256", nil},
		{"of all three", store.Client{Profile: store.ProfileFAPI2, AssertionAlgs: []string{"PS256", "ES256"}}, []string{"ES256", "EdDSA"}, "RS256", []string{"ES256"}},
		{"none in common", store.Client{AssertionAlgs: []string{"PS256"}}, []string{"ES256"}, "RS256", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.client.AuthMethods = both
			got, ok := OfClient(test.client, test.alg, time.Now(), ClientRules{Algorithms: test.server}, []string{us, endpoint})
			if !ok || strings.Join(got.Algorithms, " ") != strings.Join(test.want, " ") {
				t.Errorf("got %v, %v, want %v", got.Algorithms, ok, test.want)
			}
			wantAudiences := []string{us, endpoint}
			if test.client.Profile == store.ProfileFAPI2 {
				wantAudiences = wantAudiences[:1]
			}
			if diff := cmp.Diff(wantAudiences, got.Audiences); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FAPI 2.0 §5.3.2.1, item 8: the audience is a string.
func TestAPlainAudience(t *testing.T) {
	const us = "https://as.example.com"
	for _, test := range []struct {
		aud   any
		plain bool
		good  bool
	}{
		{us, true, true},
		{us, false, true},
		{[]any{us}, false, true},
		{[]any{us}, true, false},
		{[]any{}, true, false},
		{us + "/oauth2/token", true, false},
	} {
		r := Registration{Audiences: []string{us}, PlainAudience: test.plain}
		if err := r.checkAudience(map[string]any{"aud": test.aud}); (err == nil) != test.good {
			t.Errorf("%v, plain %v: %v", test.aud, test.plain, err)
		}
	}
}
