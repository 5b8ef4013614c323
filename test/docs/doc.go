// Package docs checks README.md and docs/ against the program: it generates the parts that follow
// from the code, runs the commands of the pages and compares the answers, and looks up every
// reason, metric, command and link.
//
// Start at [Generate], which generates, and at TestReadme, which runs commands.
package docs

//go:generate go run ./gen
