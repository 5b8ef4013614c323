package keepers

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/hashicorp/vault/api"

	"authserver/internal/bcp195"
)

// vaultKey is a key of a transit engine of HashiCorp Vault or OpenBao.
//
// gocloud.dev has a driver for it, which we do not use: it does not pass its context on, panics at
// answers that are not from a transit engine, and links gRPC and OpenTelemetry. Both seal as the
// same text, vault:v1:….
type vaultKey struct {
	client *api.Client
	config *api.Config
	engine string
	name   string
}

// openVault makes a client from Vault's own environment variables, VAULT_ADDR, VAULT_TOKEN,
// VAULT_CACERT, VAULT_NAMESPACE and the rest. It can also read the token from the file
// VAULT_TOKEN_FILE.
func openVault(_ context.Context, k key) (service, error) {
	config := api.DefaultConfig()
	if config.Error != nil {
		return nil, fmt.Errorf("set up the client of Vault by its environment variables: %w", unparsed(config.Error))
	}
	if err := checkVaultAddress(config); err != nil {
		return nil, err
	}
	transport, ok := config.HttpClient.Transport.(*http.Transport)
	if !ok || transport.TLSClientConfig == nil {
		return nil, errors.New("set up the client of Vault: it has no TLS of its own")
	}
	bcp195.Restrict(transport.TLSClientConfig)
	client, err := api.NewClient(config)
	if err != nil {
		return nil, fmt.Errorf("set up the client of Vault by its environment variables: %w", unparsed(err))
	}
	token, err := vaultToken()
	if err != nil {
		return nil, err
	}
	client.SetToken(token)
	return &vaultKey{client: client, config: config, engine: k.param("engine"), name: k.name}, nil
}

// checkVaultAddress requires an address: without one, Vault's default is this machine, so the
// operator has probably forgotten the setting.
func checkVaultAddress(config *api.Config) error {
	address := config.AgentAddress
	if address == "" {
		address = os.Getenv(api.EnvVaultAddress)
	}
	if address == "" {
		return errors.New("the address of Vault is missing: set VAULT_ADDR, such as https://vault.example.com:8200")
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "unix" || u.User != nil {
		return errors.New("VAULT_ADDR is malformed: want https://HOST:PORT, without user and password")
	}
	return nil
}

// vaultToken returns the token, or none if an agent at VAULT_ADDR adds its own.
func vaultToken() (string, error) {
	token, file := os.Getenv(api.EnvVaultToken), os.Getenv("VAULT_TOKEN_FILE")
	switch {
	case file == "":
		return token, nil
	case token != "":
		return "", errors.New("VAULT_TOKEN and VAULT_TOKEN_FILE are both set: remove one")
	}
	content, err := os.ReadFile(file) //nolint:gosec // the file is the one that the operator names
	if err != nil {
		return "", fmt.Errorf("VAULT_TOKEN_FILE cannot be read: %w", err)
	}
	if token = strings.TrimSpace(string(content)); token == "" {
		return "", fmt.Errorf("VAULT_TOKEN_FILE names %s, which is empty", file)
	}
	return token, nil
}

// unparsed removes the text that could not be parsed, which may contain a password.
func unparsed(err error) error {
	var parse *url.Error
	if errors.As(err, &parse) {
		return errors.New("one of them is no URL: check VAULT_ADDR, VAULT_PROXY_ADDR and VAULT_HTTP_PROXY")
	}
	return err
}

func (k *vaultKey) Encrypt(ctx context.Context, plain []byte) ([]byte, error) {
	sealed, err := k.ask(ctx, "encrypt", "plaintext", base64.StdEncoding.EncodeToString(plain), "ciphertext")
	return []byte(sealed), err
}

func (k *vaultKey) Decrypt(ctx context.Context, sealed []byte) ([]byte, error) {
	text, err := k.ask(ctx, "decrypt", "ciphertext", string(sealed), "plaintext")
	if err != nil {
		return nil, err
	}
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil { // the decoder's message may contain a part of it
		return nil, k.notTransit()
	}
	return plain, nil
}

func (k *vaultKey) Close() error {
	k.config.HttpClient.CloseIdleConnections()
	return nil
}

// ask sends one field and returns one field of the answer.
func (k *vaultKey) ask(ctx context.Context, what, field, value, want string) (string, error) {
	answer, err := k.client.Logical().WriteWithContext(ctx, k.engine+"/"+what+"/"+k.name, map[string]any{field: value})
	if err != nil {
		return "", k.explain(err)
	}
	if answer != nil {
		if got, ok := answer.Data[want].(string); ok {
			return got, nil
		}
	}
	return "", k.notTransit()
}

func (k *vaultKey) notTransit() error {
	return fmt.Errorf("%s of Vault at %s does not answer like a transit engine: name with ?engine= where one is mounted", k.engine, k.client.Address())
}

// explain adds to an error of the client what to do about it.
func (k *vaultKey) explain(err error) error {
	var refused *api.ResponseError
	if !errors.As(err, &refused) {
		return k.explainNetwork(err)
	}
	words := strings.Join(strings.Fields(strings.Join(refused.Errors, "; ")), " ")
	if len(words) > 200 || words == "" { // another page
		words = "no reason given"
	}
	said := fmt.Sprintf("Vault at %s answered %d (%s)", k.client.Address(), refused.StatusCode, words)
	paths := fmt.Sprintf("%[1]s/encrypt/%[2]s and %[1]s/decrypt/%[2]s", k.engine, k.name)
	switch refused.StatusCode {
	case 403:
		if k.client.Token() == "" {
			return fmt.Errorf("%s: no token was given: set VAULT_TOKEN, or VAULT_TOKEN_FILE", said)
		}
		return fmt.Errorf("%s: check that the token is valid, that its policy has `update` on %s, and that the key exists", said, paths)
	case 404:
		return fmt.Errorf("%s: check VAULT_NAMESPACE, and that a transit engine is mounted at %s, or name with ?engine= where it is", said, k.engine)
	case 400:
		return fmt.Errorf("%s: check that the key %s exists in %s and is the one that sealed this", said, k.name, k.engine)
	case 503:
		return fmt.Errorf("%s: unseal it, or wait for it", said)
	}
	return errors.New(said)
}

// explainNetwork removes the request's URL from an error, because the address is enough.
func (k *vaultKey) explainNetwork(err error) error {
	hint := "check VAULT_ADDR, and that Vault runs there"
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	if strings.Contains(err.Error(), "x509: ") {
		hint = "set VAULT_CACERT to the file with the certificate of its authority"
	}
	return fmt.Errorf("ask Vault at %s: %w: %s", k.client.Address(), err, hint)
}
