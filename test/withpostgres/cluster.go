package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"authserver/test/ports"
)

// cluster is a PostgreSQL server of ours on this machine.
type cluster struct {
	installation
	folder      *folder
	password    string
	postgres    *exec.Cmd
	exited      chan struct{} // closed when postgres has ended
	releasePort func()
}

// startCluster makes a new cluster and starts it. If it returns an error, it has removed the
// cluster again.
func startCluster(ctx context.Context, i installation) (_ *server, err error) {
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	f, err := newFolder(account)
	if err != nil {
		return nil, err
	}
	c := &cluster{installation: i, folder: f, password: newPassword()}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.stop())
		}
	}()
	if err := c.initialize(ctx); err != nil {
		return nil, err
	}
	// Another process may take a free port before our server listens on it.
	for attempt := 1; ; attempt++ {
		url, err := c.start(ctx)
		if err == nil {
			return &server{url: url, binDir: i.binDir, stop: c.stop}, nil
		}
		if !errors.Is(err, errExited) || attempt == 3 {
			return nil, fmt.Errorf("%w\n%s", err, c.lastWords())
		}
	}
}

func (c *cluster) logFile() string { return filepath.Join(c.folder.path, "log") }

// command returns a command for one of PostgreSQL's programs, with the folder's account and a
// process group of its own, so that a terminal's Ctrl-C does not reach it before the tests are
// done.
func (c *cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.binDir, name), args...)
	cmd.Dir = c.folder.path
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PG") && !strings.HasPrefix(v, "LC_") { // PostgreSQL would use PGDATA, PGPORT and the like
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: c.folder.account}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

func (c *cluster) initialize(ctx context.Context) error {
	passwordFile := filepath.Join(c.folder.path, "password")
	if err := os.WriteFile(passwordFile, []byte(c.password), 0o600); err != nil {
		return err
	}
	if err := give(passwordFile, c.folder.account); err != nil {
		return err
	}
	// With SCRAM the client hashes 4,096 times for each connection: under the race detector that
	// was a third of the cost of the tests of the store. The password is random, and only for one
	// run.
	out, err := c.command(ctx, "initdb", "--pgdata", c.folder.dataDir(), "--username", "postgres", "--pwfile", passwordFile,
		"--auth", "md5", "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, bytes.TrimSpace(out))
	}
	return os.Remove(passwordFile)
}

// settings returns settings for a server whose data may get lost, followed by those of the caller.
func settings() []string {
	return append([]string{
		"max_connections=300",
		"shared_buffers=128MB",
		"fsync=off",
		"synchronous_commit=off",
		"full_page_writes=off",
		"wal_level=minimal",
		"max_wal_senders=0",
		"jit=off",
		"track_activity_query_size=16kB", // the benchmark reads statements there
	}, strings.Fields(os.Getenv("WITHPOSTGRES_SETTINGS"))...)
}

// countStatements is for the benchmark, which counts the statements of the server. All databases
// share the table of statements, and a statement that it drops would be missing in a count.
var countStatements = []string{"shared_preload_libraries=pg_stat_statements", "pg_stat_statements.max=50000"}

// optional returns the settings that need a library which an installation may lack.
func (c *cluster) optional() []string {
	for _, lib := range []string{"../lib", "../lib/postgresql", "../lib64/pgsql"} {
		if _, err := os.Stat(filepath.Join(c.binDir, lib, "pg_stat_statements.so")); err == nil {
			return countStatements
		}
	}
	return nil
}

// start starts postgres and waits until it answers at the URL that it returns.
func (c *cluster) start(ctx context.Context) (string, error) {
	port, release, err := ports.Take()
	if err != nil {
		return "", err
	}
	c.releasePort = release
	args := []string{"-D", c.folder.dataDir()}
	for _, s := range append(append(settings(), c.optional()...), "listen_addresses=127.0.0.1", "port="+port, "unix_socket_directories="+c.folder.path) {
		args = append(args, "-c", s)
	}
	log, err := os.Create(c.logFile())
	if err != nil {
		return "", err
	}
	defer log.Close()
	postgres := c.command(context.WithoutCancel(ctx), "postgres", args...)
	postgres.Stdout, postgres.Stderr = log, log
	if err := postgres.Start(); err != nil {
		return "", err
	}
	exited := make(chan struct{})
	go func() {
		_ = postgres.Wait() // its log has the result
		close(exited)
	}()
	c.postgres, c.exited = postgres, exited
	url := loopbackURL(c.password, port)
	version, err := waitReady(ctx, url, startPatience, exited)
	if err != nil {
		return "", err
	}
	report("PostgreSQL %s of %s at 127.0.0.1:%s", version, c.binDir, port)
	return url, nil
}

// stop ends the server and removes its folder.
func (c *cluster) stop() error {
	if c.releasePort != nil {
		defer c.releasePort()
	}
	err := c.folder.remove()
	if c.postgres != nil {
		_ = c.postgres.Process.Kill() // it has ended already, unless the folder's keeper failed
		<-c.exited
	}
	return err
}

// lastWords returns the end of the server's log.
func (c *cluster) lastWords() string {
	log, err := os.ReadFile(c.logFile())
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
