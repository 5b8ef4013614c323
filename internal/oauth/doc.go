// Package oauth has the terms of the RFCs: error codes, grant types, client authentication methods,
// scopes, resource indicators and the strict form that carries them.
//
// It knows nothing of HTTP status codes, storage or cryptography, and imports only the standard
// library. Start at [Error], which every refusal becomes.
package oauth
