// Package docs holds README.md and docs/ to what the program does: it makes the
// parts that follow from the code, runs the commands that are printed there and
// compares the answers, and looks up every reason, metric, command and link.
//
// Start at [Generate], for what is made, and at TestReadme, for what is run.
package docs

//go:generate go run ./gen
