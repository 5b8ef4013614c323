// Package admin has the operations of an administrator: validated changes of the nouns, for the
// command line now and for an HTTP interface later.
//
// It owns the rules for registrations, and answers with views whose JSON is stable. It refuses
// registrations that could never work, and names the fields to change ([Faults]). It never answers
// with a hash, a sealed value or a key. It knows neither flags, commands and files nor HTTP: a text
// mentions fields, settings and operations, and each interface has [Names] for them.
//
// Start at [Admin]: each noun has a struct with what it needs and no more, and its
// files. Every operation takes a [Call].
package admin
