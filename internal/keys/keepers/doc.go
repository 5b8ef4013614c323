// Package keepers opens what a master key URL names: a key in a key management
// service, which seals and opens our data keys and never hands itself out.
//
// It refuses URLs that hold a secret. How a service is reached, and as whom, is
// for the environment to say, in the words of that service's own tools (VAULT_ADDR,
// AWS_REGION, GOOGLE_APPLICATION_CREDENTIALS, AZURE_CLIENT_ID); a URL only says
// which key, so that it may stand in rows and messages. It refuses to wait: every
// question has a time-out.
//
// Vault is in every build. The clouds' own clients are as large as the rest of
// the program, so they need the build tag cloudkms.
//
// Start at [Open]; what can be named is in scheme.go.
package keepers
