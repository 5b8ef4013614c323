// Package harness runs the built binary as an administrator does: commands on a database, running
// servers, kill -9 and restarts. It uses nothing inside the server: a test sees only what a user
// can see.
package harness
