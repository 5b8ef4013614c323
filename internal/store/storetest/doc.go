// Package storetest is the contract of package store as tests. [Run] tests an engine against all of
// it, on databases of the engine's own. No option leaves anything out.
//
// It refuses to look behind the interface: tests of a single engine, such as what its SQL does when
// the server goes away, are in the room of the engine.
package storetest
