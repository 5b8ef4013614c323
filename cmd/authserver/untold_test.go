package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"authserver/internal/config"
)

// argumentsOf returns the arguments that a command requires.
func argumentsOf(leaf *kong.Node) []string {
	args := strings.Fields(leaf.Path())[1:]
	for _, flag := range leaf.AllFlags(false) {
		for _, f := range flag {
			if f.Required && f.Name != "database-url" {
				args = append(args, "--"+f.Name+"=urn:x")
			}
		}
	}
	for range leaf.Positional {
		args = append(args, "1")
	}
	return args
}

const secretPassword = "s3cr3t"

// urls returns URLs that libpq, Go and the operator read differently.
func urls() []string {
	return []string{
		"postgres://s3cr3t:s3cr3t/s3cr3t@s3cr3t/s3cr3t", "postgres://s3cr3t:s3cr3t@s3cr3t@s3cr3t/s3cr3t",
		"postgres://s3cr3t:s3cr3t#s3cr3t@s3cr3t/s3cr3t", "postgresql://s3cr3t:s3cr3t%s3cr3t@s3cr3t/s3cr3t",
		"postgres://s3cr3t:s3cr3t@127.0.0.1:1/s3cr3t?sslmode=s3cr3t",
	}
}

// silent runs a command that must fail without showing a part of a URL.
func silent(t *testing.T, environ []string, args ...string) {
	t.Helper()
	environ = append([]string{"AUTHSERVER_ISSUER=https://auth.example.com", "AUTHSERVER_MASTER_KEY=c2NyaXB0cyBhcmUgc2VhbGVkIHVuZGVyIHRoaXMga2U="}, environ...)
	var out, errs bytes.Buffer
	code := run(append([]string{"authserver"}, args...), strings.NewReader("a password"), &out, &errs, environ)
	if told := out.String() + errs.String(); strings.Contains(told, secretPassword) {
		t.Errorf("%s %s tells: %s", strings.Join(args, " "), environ[2:], told)
	}
	if code == exitDone && !slices.Contains(args, "version") {
		t.Errorf("%s %s: exit code 0", strings.Join(args, " "), environ[2:])
	}
}

// The test has every command, every such URL, and every way to set one: the right way, a place
// where it does not belong, and a flag that does not exist.
func TestNoCommandTellsAPieceOfADatabaseURL(t *testing.T) {
	t.Chdir(t.TempDir())
	parser, err := kong.New(&commands{}, config.Options(config.Sources{})...)
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(false) {
		silent(t, nil, append(argumentsOf(leaf), "--database-url="+urls()[0])...)
	}
	for _, url := range urls() {
		for _, command := range []string{"serve", "migrate status", "client list"} {
			silent(t, nil, append(strings.Fields(command), "--database-url="+url)...)
		}
	}
	url := urls()[1]
	for _, variable := range []string{"DATABASE_URL", "DATABASE_URL_FILE", "DATABASE_MAX_CONNS", "CONFIG", "DATABSE_URL"} {
		silent(t, []string{"AUTHSERVER_" + variable + "=" + url}, "user", "list")
	}
	for _, arg := range []string{"--databse-url=" + url, "--config=" + url, "--database-url-file=" + url, url} {
		silent(t, nil, "user", "list", arg)
	}
	silent(t, nil, "issuer", "create", "--iss=urn:x", "--secret-file="+url)
}

func TestWhatIsToldOfURLs(t *testing.T) {
	for text, want := range map[string]string{
		"write postgres://USER:PASSWORD@HOST/NAME":                        "write postgres://USER:PASSWORD@HOST/NAME",
		"begins with neither sqlite: nor postgres://: write":              "begins with neither sqlite: nor postgres://: write",
		"its aud must be https://as.example.com:8443/oauth2/token":        "its aud must be https://as.example.com:8443/oauth2/token",
		"open postgres://a:b@c/d: no such file":                           "open [a URL that may hold a password] no such file",
		"unexpected argument postgresql:///d?password=x":                  "unexpected argument [a URL that may hold a password]",
		"parse \"https://a:b@c\": no":                                     "parse \"[a URL that may hold a password] no",
		"open postgres:/a:b@c/d: no such file":                            "open [a URL that may hold a password] no such file",
		"the issuer spiffe://example.org/ns/a is registered":              "the issuer spiffe://example.org/ns/a is registered",
		"no client mailto:a@b, and https://c.example.com is no client":    "no client mailto:a@b, and https://c.example.com is no client",
		"unexpected argument POSTGRES://USER:s3cr3t@HOST":                 "unexpected argument [a URL that may hold a password]",
		"unexpected argument postgres://USER:PASSWORD@HOST/NAME is shown": "unexpected argument postgres://USER:PASSWORD@HOST/NAME is shown",
	} {
		if got := untold(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
