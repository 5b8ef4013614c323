// Package config holds the settings: one struct whose tags declare flag,
// environment variable, key of the YAML file, default and help.
//
// A command embeds [Settings], and kong is made with [Options]. What was given is
// merged (a flag wins over the environment, that over the file, that over the
// default) and [Settings.Complete] reads the files that hold secrets and checks
// everything. It refuses names that it does not know and tells all faults at
// once, each with its cure and without a secret. It reads nothing but [Sources],
// and knows nothing of what the settings are for.
package config
