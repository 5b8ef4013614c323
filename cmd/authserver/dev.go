package main

import (
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"authserver/internal/admin"
	"authserver/internal/config"
	"authserver/internal/server"
)

// devBcryptCost is low, because the passwords of dev are public and dev has to start within a
// second.
const devBcryptCost = 10

type devCommand struct {
	config.Server
}

func (c *devCommand) Run(p *process) error {
	reload, stop := hangups()
	defer stop()
	if err := complete(&c.Server, config.Dev); err != nil {
		return err
	}
	s := c.Server
	if s.Issuer == "" {
		return usage("--listen %s leaves the port open: set --issuer to the URL by which the server will be reached", s.Listen)
	}
	if !p.given["log-format"] {
		s.LogFormat = "text"
	}
	if !p.given["bcrypt-cost"] {
		s.BcryptCost = devBcryptCost
	}
	s, err := server.PrepareDev(p.ctx, p.by, s)
	if err != nil {
		return err
	}
	return server.Serve(p.ctx, s, server.ServeOptions{
		Version: buildVersion(), Stderr: p.stderr, Reload: reload, Demo: true,
		Ready: func(public, ops string) {
			// If the hints cannot be printed, the server still runs.
			_ = introduce(p, s.Issuer, public, ops)
		},
	})
}

const defaultListen = "127.0.0.1:8080" // of the setting "listen"

const introduction = `
authserver is ready at {{.Public}} with a demo client, user and issuer.

To see people sign in, open {{.Public}}/demo in a browser. The user is {{.User}}, the password {{.Password}}.

Or paste:

# client_credentials
curl -u {{.Client}}:{{.Secret}} {{.Public}}/oauth2/token -d grant_type=client_credentials -d scope=read

# password, with a refresh token
curl -u {{.Client}}:{{.Secret}} {{.Public}}/oauth2/token -d grant_type=password -d username={{.User}} -d password={{.Password}}

# the same for an app that cannot keep a secret
curl {{.Public}}/oauth2/token -d grant_type=password -d client_id={{.PublicClient}} -d username={{.User}} -d password={{.Password}}

# refresh_token: put in the refresh_token of an answer above
curl -u {{.Client}}:{{.Secret}} {{.Public}}/oauth2/token -d grant_type=refresh_token -d refresh_token=REFRESH_TOKEN

# jwt-bearer: an assertion of {{.Issuer}} about {{.User}}
curl {{.Public}}/oauth2/token -d grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer -d assertion=$(printf %s '{{.IssuerSecret}}' |
  {{.Command}} assertion sign --iss {{.Issuer}} --sub {{.User}} --aud {{.Self}} --secret-file -)

# why a token is good or bad
{{.Command}} token inspect{{.Flags}} ACCESS_TOKEN

keys:     {{.Public}}/.well-known/jwks.json
metadata: {{.Public}}/.well-known/oauth-authorization-server
metrics:  http://{{.Ops}}/metrics
`

// introduce prints commands to paste, with real values.
func introduce(p *process, self, public, ops string) error {
	var err error
	if public, err = dialable(public); err != nil {
		return err
	}
	if ops, err = dialable(ops); err != nil {
		return err
	}
	flags := ""
	if self != config.DevIssuer(defaultListen) {
		flags = " --issuer " + quote(self)
	}
	t, err := template.New("introduction").Parse(introduction)
	if err != nil {
		return err
	}
	return t.Execute(p.stdout, map[string]string{
		"Public": "http://" + public, "Ops": ops, "Self": quote(self), "Command": callAgain(p.name), "Flags": flags,
		"Client": admin.DemoClient, "Secret": admin.DemoSecret, "PublicClient": admin.DemoPublicClient,
		"User": admin.DemoUser, "Password": admin.DemoPassword,
		"Issuer": admin.DemoIssuer, "IssuerSecret": admin.DemoIssuerSecret,
	})
}

// callAgain is the command line for calling this program again. The binary of go run is deleted
// when the program ends, and its name is not made for typing.
func callAgain(name string) string {
	executable, err := os.Executable()
	if err != nil || !strings.Contains(filepath.ToSlash(executable), "/go-build") {
		return quote(name)
	}
	if _, err := os.Stat(ownSource); err != nil {
		return quote(name)
	}
	return "go run " + ownSource
}

// ownSource is where this program is, from the root of the repository.
const ownSource = "./cmd/authserver"

// quote makes one word of a path for a shell.
func quote(path string) string {
	if !strings.ContainsAny(path, " \t'\"$`\\&;()<>|*?[]#~!{}") {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
