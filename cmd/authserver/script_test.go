package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"authserver/test/ports"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"authserver": main, "curl": curl})
}

// TestScripts runs test/script/*.txtar, each in a folder of its own with the settings of a database
// that does not exist yet.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "../../test/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":  exits,
			"answer": answer,
			"keep":   keep,
			"ready":  ready,
			"until":  until,
			"paste":  paste,
			"sql":    runSQL,
		},
	})
}

func setup(env *testscript.Env) error {
	public, err := takeAddress(env)
	if err != nil {
		return err
	}
	ops, err := takeAddress(env)
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"AUTHSERVER_BCRYPT_COST":   "4", // the tests are not about the slowness of bcrypt
		"AUTHSERVER_DATABASE_URL":  "sqlite:authserver.db",
		"AUTHSERVER_ISSUER":        "https://auth.example.com",
		"AUTHSERVER_LISTEN":        public,
		"AUTHSERVER_OPS_LISTEN":    ops,
		"AUTHSERVER_DRAIN_TIMEOUT": "2s",
		"AUTHSERVER_MASTER_KEY":    "c2NyaXB0cyBhcmUgc2VhbGVkIHVuZGVyIHRoaXMga2U=",
		"GORACE":                   "atexit_sleep_ms=0", // hundreds of commands end here
		"PUBLIC":                   "http://" + public,
		"OPS":                      "http://" + ops,
	} {
		env.Setenv(name, value)
	}
	return writeKeys(env.WorkDir)
}

// takeAddress returns an address for the server of the script, which no other gets while it runs.
func takeAddress(env *testscript.Env) (string, error) {
	port, release, err := ports.Take()
	if err != nil {
		return "", err
	}
	env.Defer(release)
	return net.JoinHostPort("127.0.0.1", port), nil
}

// writeKeys makes a key pair of an issuer: idp.pem, idp.jwks and idp.pub (the public half),
// idp.crt and the same in DER, idp.der, and expired.crt.
func writeKeys(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	public, err := jwk.FromRaw(key.Public())
	if err != nil {
		return err
	}
	set := jwk.NewSet()
	if err := set.AddKey(public); err != nil {
		return err
	}
	jwks, err := json.Marshal(set)
	if err != nil {
		return err
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	files := map[string][]byte{"idp.pub": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}), "idp.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), "idp.jwks": jwks}
	for name, until := range map[string]time.Time{"idp.crt": time.Now().Add(time.Hour), "expired.crt": time.Now().Add(-time.Hour)} {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"}, NotBefore: until.Add(-24 * time.Hour), NotAfter: until}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			return err
		}
		files[name] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		if name == "idp.crt" {
			files["idp.der"] = der
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// exits CODE COMMAND... requires a command to end with that exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	code := 0
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// answer PATH VALUE requires the JSON on the standard output of the last command to have the value,
// as JSON, at the path, such as secrets.0.kind. "." is the whole JSON.
func answer(ts *testscript.TestScript, neg bool, args []string) {
	got, err := json.Marshal(at(ts, args[0]))
	ts.Check(err)
	if (string(got) == args[1]) == neg {
		ts.Fatalf("%s is %s, want %s (not: %v)", args[0], got, args[1], neg)
	}
}

// keep NAME PATH stores the string at the path in a variable, or without a path the whole output
// without its final newline.
func keep(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) == 1 {
		ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
		return
	}
	text, ok := at(ts, args[1]).(string)
	if !ok {
		ts.Fatalf("%s is no string", args[1])
	}
	ts.Setenv(args[0], text)
}

func at(ts *testscript.TestScript, path string) any {
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	decoder.UseNumber()
	var v any
	ts.Check(decoder.Decode(&v))
	if path == "." {
		return v
	}
	for name := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			member, ok := x[name]
			if !ok {
				ts.Fatalf("there is no %s", path)
			}
			v = member
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(x) {
				ts.Fatalf("there is no %s", path)
			}
			v = x[i]
		default:
			ts.Fatalf("there is no %s", path)
		}
	}
	return v
}

// ready waits until the server of this script is ready.
func ready(ts *testscript.TestScript, _ bool, _ []string) {
	deadline := time.Now().Add(30 * time.Second)
	for {
		response, err := http.Get(ts.Getenv("OPS") + "/readyz")
		if err == nil {
			ts.Check(response.Body.Close())
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			ts.Fatalf("the server is not ready: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// until REGEXP COMMAND... runs a command again until its standard output matches.
func until(ts *testscript.TestScript, _ bool, args []string) {
	want, err := regexp.Compile(args[0])
	ts.Check(err)
	deadline := time.Now().Add(30 * time.Second)
	for {
		ts.Check(ts.Exec(args[1], args[2:]...))
		if want.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("the output never matched %s", want)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// paste FILE HEADING [OLD NEW] runs the lines of the file between "# HEADING" and the next empty
// line in a shell.
func paste(ts *testscript.TestScript, _ bool, args []string) {
	_, rest, ok := strings.Cut(ts.ReadFile(args[0]), "\n# "+args[1])
	if !ok {
		ts.Fatalf("%s has no heading %q", args[0], args[1])
	}
	_, block, _ := strings.Cut(rest, "\n")
	block, _, _ = strings.Cut(block, "\n\n")
	if len(args) == 4 {
		block = strings.ReplaceAll(block, args[2], args[3])
	}
	ts.Check(ts.Exec("sh", "-c", block))
}

// sql STATEMENT changes the database without authserver.
func runSQL(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs("authserver.db"))
	ts.Check(err)
	_, err = db.ExecContext(context.Background(), args[0])
	ts.Check(errors.Join(err, db.Close()))
}

// curl supports the flags that the lines of dev need: -u, -d, -H and a URL. It prints the nonce for
// the next request to standard error.
func curl() {
	request := &http.Request{Method: http.MethodGet, Header: http.Header{}}
	var form []string
	args := os.Args[1:]
	for len(args) > 0 {
		switch args[0] {
		case "-u":
			name, password, _ := strings.Cut(args[1], ":")
			request.SetBasicAuth(name, password)
			args = args[2:]
		case "-d":
			form = append(form, args[1])
			args = args[2:]
		case "-H":
			name, value, _ := strings.Cut(args[1], ": ")
			request.Header.Set(name, value)
			args = args[2:]
		default:
			u, err := url.Parse(args[0])
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(2)
			}
			request.URL = u
			args = args[1:]
		}
	}
	if form != nil {
		request.Method = http.MethodPost
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Body = io.NopCloser(bytes.NewReader([]byte(strings.Join(form, "&"))))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer response.Body.Close()
	if nonce := response.Header.Get("DPoP-Nonce"); nonce != "" {
		fmt.Fprintf(os.Stderr, "DPoP-Nonce: %s\n", nonce)
	}
	if _, err := io.Copy(os.Stdout, response.Body); err != nil {
		os.Exit(1)
	}
}
