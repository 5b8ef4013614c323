// Package admin is what an administrator may do: validated operations on the
// nouns, for the command line now and for an HTTP interface beside it.
//
// It owns what a registration has to be like, and answers with views whose JSON
// is stable. It refuses what could never work, and says which fields to change
// ([Faults]); it never answers with a hash, a sealed value or a key. It knows
// neither flags, commands and files nor HTTP: a text mentions fields, settings
// and operations, and each door has [Names] for them.
//
// Start at [Admin]: each noun has a struct with what it needs and no more, and its
// files. Every operation takes a [Call].
package admin
