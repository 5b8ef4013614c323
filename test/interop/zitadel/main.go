// Command zitadel is an application to which people sign in, with the relying party of
// zitadel/oidc. It reads its registration from standard input, and prints a line of JSON for each
// check.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
)

type config struct {
	Issuer      string
	Clients     []struct{ ID, Secret string }
	RedirectURI string `json:"redirect_uri"`
	Home        string
	BrowseURL   string `json:"browse_url"`
	User        struct{ ID string }
}

func main() {
	var c config
	if err := json.NewDecoder(os.Stdin).Decode(&c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, client := range c.Clients {
		app := &application{config: c, id: client.ID}
		var err error
		app.rp, err = rp.NewRelyingPartyOIDC(context.Background(), c.Issuer, client.ID, client.Secret, c.RedirectURI, []string{"openid", "profile", "email"},
			rp.WithVerifierOpts(rp.WithNonce(func(context.Context) string { return app.nonce })))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		check(client.ID+" signs in", app.signsIn)
		check(client.ID+" userinfo", app.userinfo)
		check(client.ID+" refreshes", app.refreshes)
		check(client.ID+" logs out", app.logsOut)
	}
}

func check(name string, body func(context.Context) error) {
	report := map[string]any{"check": name, "ok": true, "detail": ""}
	if err := body(context.Background()); err != nil {
		report["ok"], report["detail"] = false, err.Error()
	}
	line, _ := json.Marshal(report) // strings and a bool always encode
	fmt.Println(string(line))
}

type application struct {
	config
	id     string
	nonce  string // of the next ID token
	rp     rp.RelyingParty
	tokens *oidc.Tokens[*oidc.IDTokenClaims]
}

func (a *application) signsIn(ctx context.Context) error {
	verifier := oauth2.GenerateVerifier()
	to := rp.AuthURL("a state", a.rp, rp.WithCodeChallenge(oidc.NewSHACodeChallenge(verifier)), rp.AuthURLOpt(rp.WithURLParam("nonce", "a nonce")))
	back, err := a.browse(to)
	if err != nil {
		return err
	}
	answer := back.Query()
	if answer.Get("state") != "a state" || answer.Get("iss") != a.Issuer {
		return fmt.Errorf("the answer is %v", answer)
	}
	a.nonce = "a nonce"
	a.tokens, err = rp.CodeExchange[*oidc.IDTokenClaims](ctx, answer.Get("code"), a.rp, rp.WithCodeVerifier(verifier))
	if err == nil && a.tokens.IDTokenClaims.Subject != a.User.ID {
		err = fmt.Errorf("the ID token is about %s", a.tokens.IDTokenClaims.Subject)
	}
	return err
}

func (a *application) userinfo(ctx context.Context) error {
	if a.tokens == nil {
		return errors.New("there are no tokens")
	}
	info, err := rp.Userinfo[*oidc.UserInfo](ctx, a.tokens.AccessToken, a.tokens.TokenType, a.User.ID, a.rp)
	if err == nil && info.Email != "zoe@example.com" {
		err = fmt.Errorf("the email address is %q", info.Email)
	}
	return err
}

func (a *application) refreshes(ctx context.Context) error {
	if a.tokens == nil {
		return errors.New("there are no tokens")
	}
	old := a.tokens.RefreshToken
	a.nonce = "" // the ID token of a refresh has none (OpenID Connect Core 1.0 §12.2)
	tokens, err := rp.RefreshTokens[*oidc.IDTokenClaims](ctx, a.rp, old, "", "")
	if err != nil {
		return err
	}
	if a.tokens = tokens; tokens.RefreshToken == old {
		return errors.New("the refresh token is the old one")
	}
	return a.userinfo(ctx)
}

func (a *application) logsOut(ctx context.Context) error {
	if a.tokens == nil {
		return errors.New("there are no tokens")
	}
	query := url.Values{"id_token_hint": {a.tokens.IDToken}, "post_logout_redirect_uri": {a.Home}, "state": {"out"}}
	back, err := a.browse(a.rp.GetEndSessionEndpoint() + "?" + query.Encode())
	if err != nil {
		return err
	}
	if back.String() != a.Home+"?state=out" {
		return fmt.Errorf("the logout ends at %s", back)
	}
	_, err = rp.RefreshTokens[*oidc.IDTokenClaims](ctx, a.rp, a.tokens.RefreshToken, "", "")
	if err == nil || !strings.Contains(err.Error(), "invalid_grant") {
		return fmt.Errorf("the refresh token of a session that ended: %w", err)
	}
	return nil
}

// browse opens an address as a person does, and returns the address to which the browser was sent.
func (a *application) browse(address string) (*url.URL, error) {
	response, err := http.Post(a.BrowseURL+"?name="+url.QueryEscape("zitadel "+a.id), "text/plain", strings.NewReader(address))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the browser got no further: %s", text)
	}
	if err != nil {
		return nil, err
	}
	return url.Parse(string(text))
}
