// Package harness runs the built binary the way an administrator does: commands
// on a database, servers beside them, kill -9 and restarts. Nothing in it reaches
// into the server; what a test sees, a user can see.
package harness
