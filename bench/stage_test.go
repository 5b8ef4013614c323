package bench

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"authserver/test/harness"
)

const (
	apiRS256 = "https://rs.example.com"
	apiES256 = "https://es.example.com"
)

// stage is a running server with a client for every grant.
type stage struct {
	target
	*harness.Server
	deployment *harness.Deployment
	client     harness.Credentials
	app        harness.Credentials // to which people sign in
	keys       signingKeys
}

func newStage(b testing.TB, d *harness.Deployment, bcryptCost int) *stage {
	b.Helper()
	d.Set("BCRYPT_COST", strconv.Itoa(bcryptCost))
	d.Run("migrate", "up")
	d.Run("resource", "create", "--id", apiRS256, "--scope", "read")
	d.Run("resource", "create", "--id", apiES256, "--scope", "read", "--signing-alg", "ES256")
	d.RunWith("curiouser-and-curiouser\n", "user", "create", "--username", "alice", "--password-stdin")
	keys := register(b, d)
	s := d.Start()
	made := &stage{
		target: target{address: strings.TrimPrefix(s.URL, "http://"), pid: s.Pid(), ops: s.OpsURL},
		Server: s, deployment: d, keys: keys,
	}
	made.client = made.newClient(b, "bench")
	made.app = made.newApp(b)
	return made
}

// post returns a request to the server in the form of the wire.
func (s *stage) post(b testing.TB, path string, who harness.Credentials, form url.Values, headers ...string) []byte {
	b.Helper()
	request, err := http.NewRequest(http.MethodPost, "http://"+s.address+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if who.ID != "" {
		request.SetBasicAuth(who.ID, who.Secret)
	}
	return wire(b, request, headers)
}

func (s *stage) get(b testing.TB, path string, headers ...string) []byte {
	b.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+s.address+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	return wire(b, request, headers)
}

// wire writes a request down; headers are names and values in turn.
func wire(b testing.TB, request *http.Request, headers []string) []byte {
	b.Helper()
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	request.Header.Set("User-Agent", "bench")
	text, err := httputil.DumpRequestOut(request, true)
	if err != nil {
		b.Fatal(err)
	}
	// net/http requests compression by itself, which this client does not support.
	return []byte(strings.Replace(string(text), "Accept-Encoding: gzip\r\n", "", 1))
}

func (s *stage) token(b testing.TB, path string, form url.Values) []byte {
	return s.post(b, path, s.client, form)
}

func clientCredentials(resource string) url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "resource": {resource}}
}

func login() url.Values {
	return url.Values{"grant_type": {"password"}, "username": {"alice"}, "password": {"curiouser-and-curiouser"}, "resource": {apiES256}}
}

func refresh(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "resource": {apiES256}}
}
