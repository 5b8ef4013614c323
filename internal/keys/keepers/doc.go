// Package keepers opens the key that a master key URL names: a key in a key management service,
// which seals and opens our data keys and never leaves the service.
//
// It refuses URLs that contain a secret. Address and credentials are in the environment variables
// of the service's own tools (VAULT_ADDR, AWS_REGION, GOOGLE_APPLICATION_CREDENTIALS,
// AZURE_CLIENT_ID). A URL only names the key, so rows and messages may contain it. It refuses to
// wait: every call has a time-out.
//
// Vault is in every build. The clouds' own clients are as large as the rest of the program, so they
// need the build tag cloudkms.
//
// Start at [Open]; scheme.go has the kinds of services.
package keepers
