//go:build cloudkms

package keepers

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"gocloud.dev/gcp"
	"gocloud.dev/secrets"
	"gocloud.dev/secrets/awskms"
	"gocloud.dev/secrets/azurekeyvault"
	"gocloud.dev/secrets/gcpkms"
)

// cloudSchemes returns the schemes of the clouds. Each service's own client finds its credentials
// in the environment or on the machine that it runs on.
func cloudSchemes() []scheme {
	word := regexp.MustCompile(`^[\w-]+$`)
	return []scheme{
		{
			name:   "awskms",
			form:   "awskms://alias/NAME?region=REGION, awskms://KEY-ID?region=REGION or awskms:///ARN?region=REGION",
			key:    regexp.MustCompile(`^(alias/[\w/-]+|arn:[\w-]+:kms:[\w-]+:\d+:(key|alias)/[\w/-]+|[\w-]+)$`),
			params: map[string]param{"region": {"", word}, "context_": {"", regexp.MustCompile(`.`)}},
			open:   openAWS,
		},
		{
			name: "azurekeyvault",
			form: "azurekeyvault://VAULT.vault.azure.net/keys/KEY/VERSION",
			key:  regexp.MustCompile(`^[\w-]+\.vault\.[\w.-]+/keys/[\w-]+/[0-9a-f]{32}$`),
			// Azure's answer to encrypt does not name the version of the key.
			why:    "; the version has to be named, because Azure opens with the newest otherwise, and not with the one that sealed",
			params: map[string]param{"algorithm": {"RSA-OAEP-256", word}},
			open:   openAzure,
		},
		{
			name:   "gcpkms",
			form:   "gcpkms://projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY",
			key:    regexp.MustCompile(`^projects/[\w.:-]+/locations/[\w-]+/keyRings/[\w-]+/cryptoKeys/[\w-]+$`),
			params: map[string]param{"additional_authenticated_data": {"", regexp.MustCompile(`^[\w-]+=*$`)}},
			open:   openGCP,
		},
	}
}

func openAWS(ctx context.Context, k key) (service, error) {
	return new(awskms.URLOpener).OpenKeeperURL(ctx, k.url())
}

func openAzure(ctx context.Context, k key) (service, error) {
	opener := &azurekeyvault.URLOpener{ClientMaker: azurekeyvault.DefaultClientMaker}
	return opener.OpenKeeperURL(ctx, k.url())
}

// url is the key as the URL that the drivers parse.
func (k key) url() *url.URL {
	host, path, _ := strings.Cut(k.name, "/")
	return &url.URL{Scheme: k.scheme.name, Host: host, Path: path, RawQuery: k.params.Encode()}
}

// gcpKey closes the client together with the keeper, because the driver does not.
type gcpKey struct {
	*secrets.Keeper
	hangUp func()
}

func openGCP(ctx context.Context, k key) (service, error) {
	options := &gcpkms.KeeperOptions{}
	if data := k.param("additional_authenticated_data"); data != "" {
		var err error
		if options.AdditionalAuthenticatedData, err = base64.URLEncoding.DecodeString(data); err != nil {
			return nil, errors.New("additional_authenticated_data is not base64 in the URL alphabet")
		}
	}
	credentials, err := gcp.DefaultCredentials(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the credentials of Google Cloud: %w", err)
	}
	client, hangUp, err := gcpkms.Dial(ctx, credentials.TokenSource)
	if err != nil {
		return nil, fmt.Errorf("set up the client of Google Cloud: %w", err)
	}
	return &gcpKey{gcpkms.OpenKeeper(client, k.name, options), hangUp}, nil
}

func (k *gcpKey) Close() error {
	k.hangUp()
	return k.Keeper.Close()
}
