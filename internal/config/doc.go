// Package config holds the settings: small structs, a group for each reader, whose
// tags declare flag, environment variable, key of the YAML file, default and help.
//
// A command embeds [File] and the groups that it reads, [Server] embeds them all, and kong is made
// with [Options]. The sources are merged: a flag wins over the environment, the environment over
// the file, and the file over the default. [Complete] then reads the files with secrets and checks
// every group. It refuses unknown names, and reports all faults at once, each with what to do and
// without a secret. It reads nothing but [Sources], and does not know the use of a setting.
//
// A new setting is a field of the group whose reader uses it, or a new group, which
// [Server] embeds.
package config
