// Command authserver is an OAuth 2.0 authorization server and the tools of its
// administrator.
//
// This package owns flags, output and exit codes: 0 done, 1 failed, 2 wrong usage. Standard output
// has only the answer; everything else goes to standard error. It refuses rules of the domain: the
// packages internal/admin and internal/server do the work of a command. Start at the table of
// commands in main.go.
package main
