// Package store holds the nouns that outlive a request: clients, users,
// resources, trusted issuers, refresh token families, signing keys and what has
// been revoked. Each file has one noun: its type, the interface that keeps it,
// and the contract that the engines in postgres/ and sqlite/ are held to by
// storetest/.
//
// It refuses SQL, and it refuses closures inside a transaction: a method is one
// atomic step of the protocol. Moments are given by the caller, in UTC and to
// the microsecond; an engine never asks its database what time it is.
//
// A created row has Version 1, whatever it was given. A collection that holds
// nothing comes back nil; only Client.DefaultScopes tells nil from empty. Numbers
// in claims come back as json.Number, so that none loses a digit.
//
// Start at [Store], the sum of the nouns.
package store
