// Command authserver is an OAuth 2.0 authorization server and the tools of its
// administrator.
//
// This package owns flags, what is printed, and exit codes: 0 done, 1 failed, 2
// wrong usage. Standard output carries the answer alone; everything else goes to
// standard error. What a command does is internal/admin's and internal/server's
// part. Start at the table of commands in main.go.
package main
