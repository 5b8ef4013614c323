// Command withpostgres runs a command with a real PostgreSQL:
//
//	go run ./test/withpostgres -- go test ./...
//
// It uses the first of these: the database of TEST_DATABASE_URL; a server from the binaries on this
// machine, the newest first; a server from the image postgres:17-alpine, if docker or podman
// answers; a server from the system's package, which it installs.
//
// Its own server listens only on the loopback interface, at a free port, with a random password, in
// a temporary folder. It trades durability for speed: the folder is in memory (in /dev/shm, or at
// the path WITHPOSTGRES_MEMORY) if 4 GiB of it are free. WITHPOSTGRES_SETTINGS adds settings to the
// server (name=value, with spaces between). The command gets the URL as TEST_DATABASE_URL (with a
// superuser, so that tests make databases of their own) and, if the binaries are local, their
// folder as PG_BINDIR. withpostgres passes SIGINT, SIGTERM and SIGHUP on to the command, and also
// ends it if the process that started withpostgres ends. However it ends, even by SIGKILL, the
// server is stopped and its folder removed. The exit code is the command's.
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

// report prints to the terminal what happens.
func report(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "withpostgres: "+format+"\n", args...)
}

// run runs the command with a server and returns its exit code, or an error if there was no server,
// the command did not start, or the server did not stop.
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

// forward passes signals on to the command until it ends, and returns the result of its Wait.
func forward(signals <-chan os.Signal, cmd *exec.Cmd, ended <-chan error) error {
	var deadline <-chan time.Time
	for {
		select {
		case err := <-ended:
			return err
		case sig := <-signals:
			if sig == parentGone {
				// There is no parent that would repeat the signal.
				deadline = time.After(10 * time.Second)
				sig = syscall.SIGTERM
			}
			_ = cmd.Process.Signal(sig) // the command may have just ended
		case <-deadline:
			_ = cmd.Process.Kill()
		}
	}
}

// exitCode returns the code that a shell would return: the command's own, or 128 plus the signal
// that ended it.
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

// parentGone is the signal of watchParent, which no other process sends here.
const parentGone = syscall.SIGUSR2

// watchParent sends parentGone when the process that started this one is gone. `go run` dies of a
// SIGTERM without passing it on.
func watchParent(signals chan<- os.Signal) {
	parent := os.Getppid()
	for os.Getppid() == parent {
		time.Sleep(200 * time.Millisecond)
	}
	signals <- parentGone
}

// findInterruptibly is find, and gives up at the first signal.
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
