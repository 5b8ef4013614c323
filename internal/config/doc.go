// Package config holds the settings: small structs, a group for each reader, whose
// tags declare flag, environment variable, key of the YAML file, default and help.
//
// A command embeds [File] and the groups that it reads, [Server] embeds them all, and
// kong is made with [Options]. What was given is merged (a flag wins over the
// environment, that over the file, that over the default) and [Complete] reads the
// files that hold secrets and checks every group that it is given. It refuses names
// that it does not know and tells all faults at once, each with its cure and without a
// secret. It reads nothing but [Sources], and knows nothing of what the settings are for.
//
// A new setting is a field of the group whose reader uses it, or a new group, which
// [Server] embeds.
package config
