package main

import (
	"cmp"
	"os"
	"os/user"
	"strconv"

	"authserver/internal/admin"
)

// operator is the account that runs the command, on this host. An image may have no name
// for its account, which then goes by its number.
func operator() admin.Call {
	account := "uid " + strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil && u.Username != "" {
		account = u.Username
	}
	host, _ := os.Hostname() // without a name it is "localhost"
	return admin.Operator(account, cmp.Or(host, "localhost"))
}
