// Command withpostgres runs a command with a real PostgreSQL at hand:
//
//	go run ./test/withpostgres -- go test ./...
//
// It takes the first of these that there is: the database of TEST_DATABASE_URL;
// a server from the binaries on this machine, the newest first; one from the
// image postgres:17-alpine, where docker or podman answers; one from the
// system's package, which it installs.
//
// A server of its own listens on the loopback interface alone, at a free port,
// with a random password, in a temporary folder, and trades durability for
// speed: the folder is in memory (in /dev/shm, or where WITHPOSTGRES_MEMORY says)
// if 4 GiB of it are free. WITHPOSTGRES_SETTINGS adds settings to the server
// (name=value, with spaces between). The command finds it as TEST_DATABASE_URL (a
// superuser's, so that tests make databases of their own) and, where the binaries
// are local, their folder as PG_BINDIR. SIGINT, SIGTERM and SIGHUP go on to the
// command, and so does the end of the process that started withpostgres. However it ends, by SIGKILL too,
// the server is stopped and its folder removed. The exit code is the command's.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: go run ./test/withpostgres -- COMMAND ARGUMENTS…")
		os.Exit(2)
	}
	code, err := run(args)
	if err != nil {
		report("%v", err)
	}
	os.Exit(code)
}

// report tells the person at the terminal what goes on.
func report(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "withpostgres: "+format+"\n", args...)
}

// run runs the command beside a server and returns its exit code, or an error
// where there was no server, the command did not start, or the server did not
// stop.
func run(args []string) (code int, err error) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go watchParent(signals)

	srv, err := findInterruptibly(signals)
	if err != nil {
		return 1, err
	}
	defer func() {
		if stopErr := srv.stop(); stopErr != nil {
			code, err = max(code, 1), errors.Join(err, stopErr)
		}
	}()

	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "TEST_DATABASE_URL="+srv.url)
	if srv.binDir != "" {
		cmd.Env = append(cmd.Env, "PG_BINDIR="+srv.binDir)
	}
	if err := cmd.Start(); err != nil {
		return 127, fmt.Errorf("start the command: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return exitCode(forward(signals, cmd, ended))
}

// forward hands signals on to the command until it ends, and returns what its
// Wait returned.
func forward(signals <-chan os.Signal, cmd *exec.Cmd, ended <-chan error) error {
	var deadline <-chan time.Time
	for {
		select {
		case err := <-ended:
			return err
		case sig := <-signals:
			if sig == parentGone {
				// No parent is left that would repeat the signal.
				deadline = time.After(10 * time.Second)
				sig = syscall.SIGTERM
			}
			_ = cmd.Process.Signal(sig) // it may have ended just now
		case <-deadline:
			_ = cmd.Process.Kill()
		}
	}
}

// exitCode is the code that a shell would give: the command's own, or 128 and
// the signal that ended it.
func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		if err != nil {
			return 1, fmt.Errorf("wait for the command: %w", err)
		}
		return 0, nil
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}

// parentGone is what watchParent sends: a signal that no other process sends here.
const parentGone = syscall.SIGUSR2

// watchParent tells when the process that started this one is gone. `go run`
// dies of a SIGTERM without handing it on.
func watchParent(signals chan<- os.Signal) {
	parent := os.Getppid()
	for os.Getppid() == parent {
		time.Sleep(200 * time.Millisecond)
	}
	signals <- parentGone
}

// findInterruptibly is find, given up at the first signal.
func findInterruptibly(signals <-chan os.Signal) (*server, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	found := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case sig := <-signals:
			cancel(fmt.Errorf("stopped by %v", sig))
		case <-found:
		}
	}()
	srv, err := find(ctx)
	close(found)
	<-watched
	defer cancel(nil)
	if ctx.Err() == nil {
		return srv, err
	}
	if srv != nil {
		return nil, errors.Join(context.Cause(ctx), srv.stop())
	}
	return nil, context.Cause(ctx)
}
