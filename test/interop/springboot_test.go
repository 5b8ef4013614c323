//go:build interop

package interop

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"authserver/test/harness"
)

// bootVersions returns the lines of Spring Boot whose resource servers are tested: 3.5 uses Spring
// Security 6.5, and 4.0 uses 7.0.
func bootVersions() []string { return []string{"3.5", "4.0"} }

// TestSpringBoot: the resource servers of Spring Boot verify tokens: with their auto-configuration,
// which accepts only typ JWT, and with the bean of docs/verify.md, which accepts only at+jwt.
func TestSpringBoot(t *testing.T) {
	versions := checkTools(t)
	d := harness.SQLite(t)
	w := register(t, d)
	plain := w.registerPlain(t, d)
	usual := w.Resources["RS256"]
	app := w.Clients["RS256"]
	for _, boot := range bootVersions() {
		start := springBoot(t, boot, versions)
		for _, test := range []struct {
			name                 string
			arguments            []string
			good, other, foreign string // resources: the API, one of the same type, one of the other type
		}{
			{"as it comes", nil, plain.ID, plain.Other, usual.ID},
			{"with the bean for at+jwt", []string{"at+jwt"}, usual.ID, usual.Other, plain.ID},
		} {
			t.Run(boot+" "+test.name, func(t *testing.T) {
				api := start(t, w.Issuer, test.good, test.arguments...)
				token := obtain(t, w, app, test.good)
				if status, subject := call(t, api, token); status != http.StatusOK || subject != app.ID {
					t.Errorf("its token is answered with %d %q", status, subject)
				}
				for name, bad := range map[string]string{
					"no token":                  "",
					"what is no JWT":            "nonsense",
					"an altered token":          alter(t, token),
					"a token for another API":   obtain(t, w, app, test.other),
					"a token of the other type": obtain(t, w, app, test.foreign),
					"a token of another alg":    obtain(t, w, w.Clients["ES256"], w.Resources["ES256"].ID),
				} {
					if status, _ := call(t, api, bad); status != http.StatusUnauthorized {
						t.Errorf("%s is answered with %d", name, status)
					}
				}
			})
		}
	}
}

// registerPlain registers resources whose tokens have the type JWT, for the RS256 client.
func (w *world) registerPlain(t *testing.T, d *harness.Deployment) resource {
	t.Helper()
	r := resource{ID: "https://plain.example.com", Other: "https://plain.example.com/other"}
	resources := []string{}
	for _, id := range []string{r.ID, r.Other} {
		d.Run("resource", "create", "--id", id, "--token-typ", "JWT", "--scope", "read", "--scope", "write")
		resources = append(resources, "--resource", id)
	}
	d.Run(append(append([]string{"client", "update", w.Clients["RS256"].ID}, w.allowed("RS256")...), resources...)...)
	return r
}

// obtain gets a token for a client and a resource. A change by a command reaches the server within
// two seconds.
func obtain(t *testing.T, w *world, client party, resource string) string {
	t.Helper()
	config := clientCredentials(w, client, oauth2.AuthStyleInHeader, resource)
	var token string
	harness.Eventually(t, 20*time.Second, "a token for "+resource, func() bool {
		answer, err := config.Token(t.Context())
		if err == nil {
			token = answer.AccessToken
		}
		return err == nil
	})
	return token
}

// springBoot compiles the API against a version, and returns a function that starts it and returns
// its URL.
func springBoot(t *testing.T, version, tools string) func(t *testing.T, issuer, audience string, arguments ...string) string {
	t.Helper()
	pom := "spring/boot-" + version + "/pom.xml"
	installed := cached(t, "spring-boot-"+version, []string{pom}, tools, func(folder string) {
		copyInto(t, folder, pom)
		run(t, folder, "mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", "-DoutputDirectory="+filepath.Join(folder, "jars"))
	})
	jars, classes := filepath.Join(installed, "jars", "*"), t.TempDir()
	run(t, ".", "javac", briefly("-J", "-parameters", "-classpath", jars, "-d", classes, "spring/Api.java", "snippets/AtJwt.java")...)
	return func(t *testing.T, issuer, audience string, arguments ...string) string {
		t.Helper()
		// Tomcat makes folders for temporary files, and leaves them when it is stopped.
		java := append([]string{"java"}, briefly("", "-Djava.io.tmpdir="+t.TempDir(), "-classpath", classes+string(os.PathListSeparator)+jars, "Api")...)
		return serve(t, "http://127.0.0.1:", append(append(java, arguments...),
			"--server.port=0", "--server.address=127.0.0.1", "--spring.main.banner-mode=off", "--logging.level.root=warn",
			"--spring.security.oauth2.resourceserver.jwt.issuer-uri="+issuer,
			"--spring.security.oauth2.resourceserver.jwt.audiences="+audience)...)
	}
}

// serve starts a program that prints "listening on" and a port, and returns the port after a
// prefix. The program ends with the test.
func serve(t *testing.T, prefix string, argv ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	command := foreign(ctx, argv...)
	var said, errs strings.Builder
	command.Stderr = &errs
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 10 * time.Second
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if port, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
				address <- prefix + port
				continue
			}
			said.WriteString(lines.Text() + "\n")
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		_ = command.Wait() // a signal ended it
		if t.Failed() {
			t.Logf("%s said:\n%s%s", argv[0], said.String(), errs.String())
		}
	})
	select {
	case url := <-address:
		return url
	case <-ended:
		t.Fatal("it ended before it listened")
	case <-time.After(programTimeout):
		t.Fatal("it did not listen in time")
	}
	return ""
}

// call calls an API with a token, and returns the status and the answer.
func call(t *testing.T, api, token string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := harness.Client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}
