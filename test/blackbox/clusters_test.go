package blackbox

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"

	"authserver/test/harness"
)

// Two clusters have the same issuer. The key of a pod's token decides to which cluster it belongs,
// at each replica. A projected token may come again and again, and its audience may be the
// cluster's own.
func TestTwoClustersWithOneIss(t *testing.T) {
	t.Parallel()
	const iss, apiServer = "https://kubernetes.default.svc.cluster.local", "https://kubernetes.default.svc"
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		register(t, d)
		keys := map[string]*rsa.PrivateKey{}
		for _, id := range []string{"cluster-a", "cluster-b", "stranger"} {
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				t.Fatal(err)
			}
			keys[id] = key
		}
		create := []string{"issuer", "create", "--iss", iss, "--subject", "federated", "--match", "sub=system:serviceaccount:shop:*", "--require-client-auth=false", "--resource", apiRS256}
		d.Run(append(create, "--id", "cluster-a", "--scope", "read", "--jwks-file", d.File("a.jwks", jwksOf(t, keys["cluster-a"].Public(), "k")), "--audience", apiServer, "--allow-repeat")...)
		second := append(create, "--id", "cluster-b", "--scope", "write", "--client", "web", "--jwks-file")
		if _, stderr, code := d.Try("", append(second, d.File("a.jwks", jwksOf(t, keys["cluster-a"].Public(), "k")))...); code != 2 {
			t.Errorf("a key of both is registered: %d %s", code, stderr)
		}
		d.Run(append(second, d.File("b.jwks", jwksOf(t, keys["cluster-b"].Public(), "k")))...)
		replicas := []*harness.Server{d.Start(), d.Start()}
		token := func(by string, change claims) string {
			return sign(t, jwa.RS256, keys[by], map[string]any{"kid": "k"}, assertionClaims(iss, "system:serviceaccount:shop:orders", change))
		}
		ask := func(s *harness.Server, assertion string) harness.Answer {
			return s.Token(t, harness.Credentials{}, bearer(assertion))
		}
		own, projected := token("cluster-b", nil), token("cluster-a", claims{"aud": []string{apiServer}})
		for _, s := range []*harness.Server{replicas[0], replicas[1], replicas[0]} {
			answer := ask(s, projected)
			if answer.Status != http.StatusOK {
				t.Fatalf("a projected token is refused: %d %s", answer.Status, answer.Raw)
			}
			wantClaims(t, s.Verify(t, answer.Text("access_token"), apiRS256), map[string]any{"client_id": "cluster-a", "scope": "read", "sub": "system:serviceaccount:shop:orders"})
		}
		answer := ask(replicas[1], own)
		wantClaims(t, replicas[1].Verify(t, answer.Text("access_token"), apiRS256), map[string]any{"client_id": "web", "scope": "write"})
		wantError(t, ask(replicas[0], own), http.StatusBadRequest, "invalid_grant") // a token of this cluster is good once
		wantError(t, ask(replicas[0], token("cluster-b", claims{"aud": apiServer})), http.StatusBadRequest, "invalid_grant")
		wantError(t, ask(replicas[0], token("cluster-a", claims{"aud": []string{apiServer, "https://stranger.example"}})), http.StatusBadRequest, "invalid_grant")
		wantError(t, ask(replicas[0], token("stranger", nil)), http.StatusBadRequest, "invalid_grant")

		d.Run("issuer", "update", "cluster-a", "--disabled")
		harness.Eventually(t, reached, "the first cluster is not trusted any more", func() bool { return ask(replicas[0], projected).Status == http.StatusBadRequest })
		if answer := ask(replicas[0], token("cluster-b", nil)); answer.Status != http.StatusOK {
			t.Errorf("the second one is refused: %d %s", answer.Status, answer.Raw)
		}
	})
}
