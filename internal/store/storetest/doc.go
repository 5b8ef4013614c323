// Package storetest is the contract of package store as tests. [Run] holds an
// engine to all of it, on databases of the engine's own; there is no switch to
// leave anything out.
//
// It refuses to look behind the interface: what only one engine can be asked,
// such as what its SQL does when the server goes away, is tested beside it.
package storetest
