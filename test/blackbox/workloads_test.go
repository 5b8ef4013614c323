package blackbox

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"authserver/test/harness"
)

const noMatch = "its claims match none of the patterns that are registered for it"

// platform is the registration of a platform that gives its workloads an identity.
type platform struct {
	*publisher
	publish  func() *publisher
	register []string // flags of issuer create in addition to --iss
	token    claims   // of a workload that is accepted
	cases    []workload
}

// workload is a workload that presents its identity, and the result.
type workload struct {
	name   string
	change claims // of an accepted token; nil removes a claim
	want   claims // of the access token; nil: the token is refused
	why    string // in the log of a refusal
}

// This is the identity that GitHub Actions gives to a run: several claims with plain names decide
// together which runs are accepted, and the keys have certificates.
func TestGitHubActions(t *testing.T) {
	t.Parallel()
	const sub = "repo:acme/shop:environment:production"
	deployed := claims{"sub": sub, "repository": "acme/shop", "ref": "refs/heads/main", "environment": "production"}
	released := claims{"sub": "repo:acme/tools:ref:refs/tags/v1.2.0", "repository": "acme/tools", "ref": "refs/tags/v1.2.0", "environment": nil}
	change := func(pairs ...any) claims { return changed(nil, pairs...) }
	now := time.Now()
	p := platform{
		publish: func() *publisher {
			return &publisher{keysPath: "/.well-known/jwks", certified: true, metadata: map[string]any{
				"subject_types_supported": []string{"public", "pairwise"}, "response_types_supported": []string{"id_token"}, "scopes_supported": []string{"openid"},
				"claims_supported": []string{"sub", "aud", "exp", "iat", "iss", "jti", "nbf", "ref", "repository", "environment"}, "id_token_signing_alg_values_supported": []string{"RS256"},
			}}
		},
		register: []string{
			"--discovery", "--subject", "federated",
			"--match", "repository=acme/shop,ref=refs/heads/main,environment=production", "--match", "repository=acme/*,ref=refs/tags/v*",
			"--require-claim", "run_id",
			"--map-claim", "repository=repository", "--map-claim", "ref=ref", "--map-claim", "environment=environment", "--map-claim", "run=run_id",
		},
		token: claims{
			"sub": sub, "repository": "acme/shop", "repository_owner": "acme", "repository_id": "1296269", "repository_visibility": "private",
			"ref": "refs/heads/main", "ref_type": "branch", "ref_protected": "true", "sha": "0f661a4a011d77cb21fa4dc7013d9b6f928666ed",
			"environment": "production", "actor": "alice", "event_name": "push", "head_ref": "", "base_ref": "", "runner_environment": "github-hosted",
			"workflow": "deploy", "workflow_ref": "acme/shop/.github/workflows/deploy.yml@refs/heads/main", "run_id": "14144996512", "run_number": "3", "run_attempt": "1",
			"iat": now.Unix(), "nbf": now.Add(-5 * time.Minute).Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		},
		cases: []workload{
			{"the branch and environment that are let in", nil, changed(deployed, "run", "14144996512"), ""},
			{"a tag of any repository of the owner", released, changed(released, "environment", nil), ""},
			{"another repository of the owner", change("repository", "acme/tools", "sub", "repo:acme/tools:environment:production"), nil, noMatch},
			{"the same name at another owner", change("repository", "mallory/shop"), nil, noMatch},
			{"an owner whose name begins so", change("repository", "acme-evil/shop", "ref", "refs/tags/v1"), nil, noMatch},
			{"another branch", change("ref", "refs/heads/feature"), nil, noMatch},
			{"a branch that begins so", change("ref", "refs/heads/main-2"), nil, noMatch},
			{"a tag that is called as the branch", change("ref", "refs/tags/main"), nil, noMatch},
			{"a pull request", change("ref", "refs/pull/7/merge", "event_name", "pull_request"), nil, noMatch},
			{"another environment", change("environment", "staging"), nil, noMatch},
			{"no environment", change("environment", nil, "sub", "repo:acme/shop:ref:refs/heads/main"), nil, noMatch},
			{"another repository under the sub that is let in", change("repository", "mallory/fork"), nil, noMatch},
			{"the name in capitals", change("repository", "ACME/shop"), nil, noMatch},
			{"half of one pattern and half of the other", change("repository", "acme/tools", "environment", nil), nil, noMatch},
			{"without the claim that has to be there", change("run_id", nil), nil, "its claim run_id is missing"},
			{"for its default audience", change("aud", "https://github.com/acme"), nil, "its aud must be"},
			{"for a cloud beside us", change("aud", []string{harness.Issuer, "sts.amazonaws.com"}), nil, "its aud must be"},
			{"of an issuer below", change("iss", "/acme"), nil, "its iss is not a trusted issuer"},
		},
	}
	p.follow(t)
}

// This is the identity that Kubernetes gives to a pod: a service account as sub, further facts
// inside one claim, and a list as audience.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	const orders = "system:serviceaccount:shop:orders"
	inside := func(namespace, account string) claims {
		return claims{
			"namespace": namespace, "serviceaccount": claims{"name": account, "uid": "c1a5e2f0-4a8e-4f1e-9c57-3f3f2c1b7a55"},
			"pod": claims{"name": account + "-7d4b9", "uid": "5b4e1a1c-5b0f-4a55-8f2a-0d2c3c1d4e5f"}, "node": claims{"name": "node-1"}, "warnafter": time.Now().Add(time.Hour).Unix(),
		}
	}
	of := func(namespace, account string) claims {
		return claims{"sub": "system:serviceaccount:" + namespace + ":" + account, "kubernetes.io": inside(namespace, account)}
	}
	now := time.Now()
	p := platform{
		publish: func() *publisher {
			return &publisher{keysPath: "/openid/v1/jwks", metadata: map[string]any{
				"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
			}}
		},
		register: []string{
			"--discovery", "--subject", "federated", "--match", "sub=system:serviceaccount:shop:*,/kubernetes.io/namespace=shop",
			"--map-claim", "namespace=/kubernetes.io/namespace", "--map-claim", "service_account=/kubernetes.io/serviceaccount/name", "--map-claim", "pod=/kubernetes.io/pod/name",
		},
		token: claims{
			"sub": orders, "aud": []string{harness.Issuer}, "kubernetes.io": inside("shop", "orders"),
			"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		},
		cases: []workload{
			{"a service account of the namespace", nil, claims{"sub": orders, "namespace": "shop", "service_account": "orders", "pod": "orders-7d4b9"}, ""},
			{"another of it", of("shop", "billing"), claims{"sub": "system:serviceaccount:shop:billing", "namespace": "shop", "service_account": "billing", "pod": "billing-7d4b9"}, ""},
			{"without a pod, as kubectl create token makes it", claims{"kubernetes.io": claims{"namespace": "shop", "serviceaccount": claims{"name": "orders"}}}, claims{"sub": orders, "namespace": "shop", "pod": nil}, ""},
			{"the same account of another namespace", of("default", "orders"), nil, noMatch},
			{"a namespace that begins so", of("shop-evil", "orders"), nil, noMatch},
			{"a namespace that ends so", of("evil:shop", "orders"), nil, noMatch},
			{"a sub that its namespace belies", changed(of("shop", "orders"), "kubernetes.io", inside("default", "orders")), nil, noMatch},
			{"a namespace that its sub belies", changed(of("default", "orders"), "kubernetes.io", inside("shop", "orders")), nil, noMatch},
			{"a node", claims{"sub": "system:node:node-1"}, nil, noMatch},
			{"a user", claims{"sub": "kubernetes-admin"}, nil, noMatch},
			{"nothing within", claims{"kubernetes.io": nil}, nil, noMatch},
			{"what is within beside it, as in tokens of old", claims{"kubernetes.io": nil, "kubernetes.io/namespace": "shop"}, nil, noMatch},
			{"for the API server", claims{"aud": []string{"https://kubernetes.default.svc.cluster.local"}}, nil, "its aud must be"},
			{"for the API server beside us", claims{"aud": []string{"https://kubernetes.default.svc.cluster.local", harness.Issuer}}, nil, "its aud must be"},
			{"without an end, as in tokens of old", claims{"exp": nil}, nil, "its exp is missing"},
			{"of a year, as the API server's own", claims{"exp": now.AddDate(1, 0, 0).Unix()}, nil, "its lifetime is longer than 1h0m0s"},
		},
	}
	p.follow(t)
}

// changed returns a copy with changes, as names and values alternately.
func changed(c claims, pairs ...any) claims {
	all := claims{}
	maps.Copy(all, c)
	for i := 0; i+1 < len(pairs); i += 2 {
		all[pairs[i].(string)] = pairs[i+1]
	}
	return all
}

// follow registers the platform, presents the workloads, changes the keys, and presents the
// accepted workloads at both replicas, of which one has the old keys and one has none.
func (p platform) follow(t *testing.T) {
	t.Helper()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		p.publisher = newPublisher(t, p.publish())
		p.trusted(f)
		shown := f.JSON("", append([]string{"issuer", "create", "--iss", p.URL, "--require-client-auth=false", "--scope", "read", "--resource", apiRS256}, p.register...)...)
		if shown["key_source"] != "discovery" {
			t.Errorf("the key source is %v", shown["key_source"])
		}
		replicas := []*harness.Server{f.Start(), f.Start()}
		for _, w := range p.cases {
			t.Run(w.name, func(t *testing.T) { p.present(t, replicas[0], w) })
		}
		withdrawn := p.rotate(t)
		for _, replica := range replicas {
			for _, w := range p.cases {
				if w.want != nil {
					t.Run("with a new key: "+w.name, func(t *testing.T) { p.present(t, replica, w) })
				}
			}
			answer := replica.Token(t, harness.Credentials{}, bearer(withdrawn.sign(t, p.claims(nil))))
			wantError(t, answer, http.StatusBadRequest, "invalid_grant")
			wantLog(t, replica, answer.Header.Get("X-Request-Id"), noKey)
		}
	})
}

// claims returns the claims of a workload's token; an iss is appended to the platform's own.
func (p platform) claims(change claims) claims {
	all := changed(p.token)
	maps.Copy(all, change)
	if below, ok := all["iss"].(string); ok {
		all["iss"] = p.URL + below
	}
	return assertionClaims(p.URL, "", all)
}

func (p platform) present(t *testing.T, s *harness.Server, w workload) {
	t.Helper()
	answer := s.Token(t, harness.Credentials{}, bearer(p.key.sign(t, p.claims(w.change))))
	if w.want == nil {
		wantError(t, answer, http.StatusBadRequest, "invalid_grant")
		wantLog(t, s, answer.Header.Get("X-Request-Id"), w.why)
		return
	}
	if answer.Status != http.StatusOK {
		t.Fatalf("it is refused: %d %s", answer.Status, answer.Raw)
	}
	if answer.Text("scope") != "read" || strings.Contains(string(answer.Raw), "refresh_token") {
		t.Errorf("the answer is %s", answer.Raw)
	}
	wantClaims(t, s.Verify(t, answer.Text("access_token"), apiRS256), w.want)
}
