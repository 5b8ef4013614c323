package grants_test

import (
	"testing"

	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// FAPI 2.0 Security Profile §5.3.2.1, items 4 and 5, and §5.4.1: a client with the profile gets
// only bound tokens, by a proof with one of its algorithms or by a certificate.
func TestAClientOfTheProfileGetsBoundTokensAlone(t *testing.T) {
	bySignature := []oauth.AuthMethod{oauth.AuthPrivateKeyJWT}
	proof := func(alg string) grants.Possession { return grants.Possession{JKT: "k", Alg: alg} }
	certificate := grants.Possession{X5TS256: "c"}
	for _, test := range []struct {
		name   string
		client store.Client
		held   grants.Possession
		want   tokens.Confirmation
		reason string // of the refusal; "": the token is bound
	}{
		{"by a proof under PS256", store.Client{}, proof("PS256"), tokens.Confirmation{JKT: "k"}, ""},
		{"by a proof under ES256", store.Client{}, proof("ES256"), tokens.Confirmation{JKT: "k"}, ""},
		{"by a proof under EdDSA", store.Client{}, proof("EdDSA"), tokens.Confirmation{JKT: "k"}, ""},
		{"by a proof under RS256", store.Client{}, proof("RS256"), tokens.Confirmation{}, "dpop_refused"},
		{"by a proof under ES384", store.Client{}, proof("ES384"), tokens.Confirmation{}, "dpop_refused"},
		{"by a certificate", store.Client{}, certificate, tokens.Confirmation{X5TS256: "c"}, ""},
		{"by nothing", store.Client{}, grants.Possession{}, tokens.Confirmation{}, "dpop_missing"},
		{"by a certificate, and it is never to be", store.Client{TLSUnbound: true}, certificate, tokens.Confirmation{}, "dpop_missing"},
		{"by a certificate, and a proof is wanted", store.Client{DPoPBound: true}, certificate, tokens.Confirmation{}, "dpop_missing"},
		{"by a proof, and a certificate is wanted", store.Client{TLSBound: true}, proof("ES256"), tokens.Confirmation{}, "certificate_missing"},
		{"by both, as both are wanted", store.Client{TLSBound: true}, grants.Possession{JKT: "k", Alg: "ES256", X5TS256: "c"}, tokens.Confirmation{JKT: "k", X5TS256: "c"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.client.Profile, test.client.AuthMethods = store.ProfileFAPI2, bySignature
			got, err := test.held.Bind(&test.client)
			if test.reason != "" {
				code := oauth.InvalidDPoPProof
				if test.reason == "certificate_missing" {
					code = oauth.InvalidRequest
				}
				refused(t, err, code, test.reason)
				return
			}
			if err != nil || got != test.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	t.Run("and no other does", func(t *testing.T) {
		got, err := proof("RS256").Bind(&store.Client{AuthMethods: bySignature})
		if err != nil || got.JKT != "k" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}
