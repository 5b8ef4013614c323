//go:build cloudkms

package keepers_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys/keepers"
)

func TestCloudSchemes(t *testing.T) {
	want := []string{"awskms", "azurekeyvault", "gcpkms", "hashivault"}
	if diff := cmp.Diff(want, keepers.Schemes()); diff != "" {
		t.Errorf("schemes (-want +got):\n%s", diff)
	}
}

const azureVersion = "0123456789abcdef0123456789abcdef"

// cloudEnvironment sets credentials that no cloud accepts, so that no client looks for others on
// this machine.
func cloudEnvironment(t *testing.T) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "p", "private_key_id": "k", "client_email": "a@p.iam.gserviceaccount.com", "client_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": "http://127.0.0.1:1/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(file, account, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t")
	t.Setenv("AWS_REGION", "eu-central-1")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
}

func TestOneCloudKeyHasOneID(t *testing.T) {
	cloudEnvironment(t)
	const (
		arn    = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
		google = "gcpkms://projects/p/locations/europe-west3/keyRings/r/cryptoKeys/k"
		azure  = "azurekeyvault://v.vault.azure.net/keys/k/" + azureVersion
	)
	for _, c := range []struct{ name, url, want string }{
		{"AWS: an alias", "awskms:///alias/auth?region=eu-central-1", "awskms://alias/auth?region=eu-central-1"},
		{"AWS: a key's id", "awskms://1234abcd-12ab-34cd-56ef-1234567890ab", "awskms://1234abcd-12ab-34cd-56ef-1234567890ab"},
		{"AWS: a name of Amazon, which has colons", "awskms:///" + arn, "awskms:///" + arn},
		{"AWS: an encryption context, in any order", "awskms://alias/auth?region=eu-central-1&context_app=auth", "awskms://alias/auth?context_app=auth&region=eu-central-1"},
		{"Google", google + "/", google},
		{"Azure", azure, azure},
		{"Azure: the usual algorithm", azure + "?algorithm=RSA-OAEP-256", azure},
		{"Azure: another algorithm", azure + "?algorithm=RSA-OAEP", azure + "?algorithm=RSA-OAEP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, url := range []string{c.url, c.want} {
				keeper, id, err := keepers.Open(t.Context(), url)
				if err != nil {
					t.Fatal(err)
				}
				if id != c.want {
					t.Errorf("%s has the id %s, want %s", url, id, c.want)
				}
				if err := keeper.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestOpenRefusesCloudKeys(t *testing.T) {
	const secret = "s3cr3t"
	for _, c := range []struct{ name, url, want string }{
		{"AWS: credentials in the URL", "awskms://AKIA:" + secret + "@alias/auth", "user or a password"},
		{"AWS: an endpoint, which may hold them", "awskms://alias/auth?endpoint=https://u:" + secret + "@kms", "awskms does not take"},
		{"AWS: no key", "awskms://?region=eu-central-1", "malformed"},
		{"Google: a key ring", "gcpkms://projects/p/locations/l/keyRings/r", "cryptoKeys/KEY"},
		{"Google: a version, which cannot open", "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1", "cryptoKeys/KEY"},
		{"Azure: no version, so that a rotation would lock the database", "azurekeyvault://v.vault.azure.net/keys/k", "the version has to be named"},
		{"Azure: another host", "azurekeyvault://example.com/keys/k/" + azureVersion, "VAULT.vault.azure.net"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := keepers.Open(t.Context(), c.url)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestCloudThatHangs(t *testing.T) {
	cloudEnvironment(t)
	t.Setenv("AWS_ENDPOINT_URL_KMS", "http://"+silent(t))
	checkHangs(t, "awskms://alias/auth")
}
