// Package deploy runs the files of deploy/ with the programs that read them: HAProxy and nginx in
// front of two replicas, which are restarted one after the other and lose their database while
// clients send requests; and systemd's own checks of the unit.
//
//	make test-deploy
//
// The tests use the files unchanged, except for the addresses, ports and certificates that an
// operator replaces too. Start at TestRollingRestart.
package deploy
