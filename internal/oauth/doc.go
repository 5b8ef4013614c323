// Package oauth holds the words of the RFCs: error codes, grant types, client
// authentication methods, scopes, resource indicators and the strict form that
// carries them.
//
// It knows nothing of HTTP status codes, storage or cryptography, and imports
// the standard library alone. Start at [Error], which every refusal becomes.
package oauth
