package verifier_test

import (
	"net/http"
	"strings"
	"testing"

	"authserver/internal/testkit"
	"authserver/verifier"
)

// RFC 9449 §4.3, item 9: a proof is for the URL at which clients reach this API. The verifier
// ignores what the sender of a request writes about that URL, because the sender could forward a
// proof for another server.
func TestAProofIsForThisAPI(t *testing.T) {
	const evil = "https://evil.example"
	from := func(headers map[string]string, host string) func(*http.Request) {
		return func(r *http.Request) {
			r.Host = host
			for name, value := range headers {
				r.Header.Set(name, value)
			}
		}
	}
	others := []string{"https://orders.example.com/", "http://orders.internal:8080/v2"}
	for _, test := range []struct {
		name   string
		o      verifier.Options
		change func(*http.Request)
		htu    string
		status int
	}{
		{"its audience is its URL", verifier.Options{}, nil, audience + "/orders", 200},
		{"its audience is its URL, whatever the host", verifier.Options{}, from(nil, "10.0.0.1:8080"), audience + "/orders", 200},
		{"the host that was sent", verifier.Options{}, from(nil, "evil.example"), evil + "/orders", 401},
		{"the host that was sent, over http", verifier.Options{}, from(nil, "evil.example"), "http://evil.example/orders", 401},
		{"the host that was sent, with a base URL", verifier.Options{BaseURL: base}, from(nil, "evil.example"), evil + "/orders", 401},
		{"X-Forwarded-Host", verifier.Options{}, from(map[string]string{"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}, "evil.example"), evil + "/orders", 401},
		{"Forwarded", verifier.Options{}, from(map[string]string{"Forwarded": "host=evil.example;proto=https"}, "evil.example"), evil + "/orders", 401},
		{"the host in the request line", verifier.Options{}, func(r *http.Request) { r.RequestURI = evil + "/orders" }, evil + "/orders", 401},
		{"the path in the request line", verifier.Options{}, func(r *http.Request) { r.RequestURI = evil + "/orders" }, audience + "/orders", 200},
		{"a path that a router cut", verifier.Options{BaseURL: base}, func(r *http.Request) { r.RequestURI, r.URL.Path = "/shop/orders", "/orders" }, base + "/shop/orders", 200},
		{"a path that a proxy cut", verifier.Options{BaseURL: base + "/shop/"}, nil, base + "/shop/orders", 200},
		{"a path that a proxy cut, without it", verifier.Options{BaseURL: base + "/shop"}, nil, base + "/orders", 401},
		{"the second of several", verifier.Options{BaseURL: base, OtherBaseURLs: others}, nil, "https://orders.example.com/orders", 200},
		{"the third of several", verifier.Options{BaseURL: base, OtherBaseURLs: others}, nil, "http://orders.internal:8080/v2/orders", 200},
		{"none of several", verifier.Options{BaseURL: base, OtherBaseURLs: others}, from(nil, "orders.internal"), "http://orders.internal/v2/orders", 401},
		{"a base URL other than the audience", verifier.Options{BaseURL: "https://orders.example.com"}, nil, audience + "/orders", 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := newIssuer(t)
			v := i.verifier(func(o *verifier.Options) {
				o.BaseURL, o.OtherBaseURLs = test.o.BaseURL, test.o.OtherBaseURLs
			})
			owner := &holder{i: i, key: testkit.P256(t)}
			bound := owner.bound()
			answer := call(v, verifier.Requirements{}, func(r *http.Request) {
				proving(bound, owner.proof(bound, map[string]any{"htu": test.htu}))(r)
				if test.change != nil {
					test.change(r)
				}
			})
			if challenge := answer.Header().Get("WWW-Authenticate"); answer.Code != test.status || test.status == 401 && !strings.Contains(challenge, `error="invalid_dpop_proof"`) {
				t.Errorf("answered %d, %s, want %d", answer.Code, challenge, test.status)
			}
		})
	}
}

// An API that accepts no DPoP neither offers it nor accepts a token whose key was not proved.
func TestAnAPIWithoutDPoP(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(func(o *verifier.Options) { o.NoDPoP = true })
	owner := &holder{i: i, key: testkit.P256(t)}
	bound, free := owner.bound(), i.token(nil)
	for _, test := range []struct {
		name   string
		send   func(*http.Request)
		status int
		fault  string // "": the challenge names none
	}{
		{"a bearer token", bearing(free), 200, ""},
		{"no token", func(*http.Request) {}, 401, ""},
		{"a proof", proving(bound, owner.proof(bound, nil)), 401, "invalid_token"},
		{"no proof", proving(bound), 401, "invalid_token"},
		{"a bound token as a bearer token", bearing(bound), 401, "invalid_token"},
		{"a free token by the scheme DPoP", proving(free, owner.proof(free, nil)), 401, "invalid_token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := call(v, verifier.Requirements{}, test.send)
			challenge := strings.Join(answer.Header().Values("WWW-Authenticate"), "\n")
			if answer.Code != test.status || strings.Contains(challenge, "DPoP realm") || test.status == 401 && !strings.HasPrefix(challenge, "Bearer ") {
				t.Errorf("answered %d, %s", answer.Code, challenge)
			}
			if test.fault == "" && strings.Contains(challenge, "error=") || !strings.Contains(challenge, test.fault) {
				t.Errorf("the challenge is %s, want the error %q", challenge, test.fault)
			}
		})
	}
}
