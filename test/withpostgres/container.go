package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const image = "postgres:17-alpine"

// entry is the script of the container: the image's own entry point, which stops when the standard
// input ends. The input ends however we end, so that a container never outlives the tests.
const entry = `exec 3<&0
{ cat <&3 >/dev/null; while kill -QUIT 1; do sleep 1; done; } &
exec docker-entrypoint.sh "$@" </dev/null 3<&-`

// startContainer starts a server in a container, with the first engine that answers.
func startContainer(ctx context.Context) (*server, error) {
	var errs []error
	for _, engine := range []string{"docker", "podman"} {
		if _, err := exec.LookPath(engine); err != nil {
			errs = append(errs, fmt.Errorf("no %s found", engine))
			continue
		}
		c := &container{engine: engine, name: "withpostgres-" + strings.ToLower(newPassword()[:12]), password: newPassword()}
		srv, err := c.start(ctx)
		if err == nil {
			return srv, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", engine, err))
	}
	return nil, errors.Join(errs...)
}

// container is a PostgreSQL server of ours in a container.
type container struct {
	engine, name, password string
	run                    *exec.Cmd // the engine's client, which stays attached
	stdin                  io.Closer // closing it stops the server
	output                 bytes.Buffer
	exited                 chan struct{} // closed when run has ended
}

// ask runs a command of the engine that answers soon, and returns its output.
func (c *container) ask(ctx context.Context, patience time.Duration, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, c.engine, args...)
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", c.engine, args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.TrimSpace(string(out)), nil
}

// start starts the container and waits until the server in it answers.
func (c *container) start(ctx context.Context) (_ *server, err error) {
	if _, err := c.ask(ctx, 10*time.Second, "ps", "--quiet"); err != nil {
		return nil, err
	}
	if _, err := c.ask(ctx, 10*time.Second, "image", "inspect", image); err != nil {
		report("%s pulls %s", c.engine, image)
		if _, err := c.ask(ctx, 5*time.Minute, "pull", "--quiet", image); err != nil {
			return nil, err
		}
	}
	if err := c.launch(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.stop())
		}
	}()
	port, err := c.port(ctx)
	if err != nil {
		return nil, err
	}
	url := loopbackURL(c.password, port)
	version, err := waitReady(ctx, url, startPatience, c.exited)
	if errors.Is(err, errExited) {
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(c.output.Bytes()))
	}
	if err != nil {
		return nil, err
	}
	report("PostgreSQL %s of %s in %s at 127.0.0.1:%s", version, image, c.engine, port)
	return &server{url: url, stop: c.stop}, nil
}

// launch starts the engine's client, in a process group of its own, for the same reason as in a
// cluster.
func (c *container) launch() error {
	args := []string{
		"run", "--rm", "--interactive", "--name", c.name,
		"--publish", "127.0.0.1::5432",
		"--tmpfs", "/var/lib/postgresql/data",
		"--env", "POSTGRES_PASSWORD",
		"--entrypoint", "sh", image, "-c", entry, "sh",
		"postgres",
	}
	for _, s := range append(append(settings(), countStatements...), "listen_addresses=*") {
		args = append(args, "-c", s)
	}
	c.run = exec.Command(c.engine, args...)
	c.run.Env = append(os.Environ(), "POSTGRES_PASSWORD="+c.password)
	c.run.Stdout, c.run.Stderr = &c.output, &c.output
	c.run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := c.run.StdinPipe()
	if err != nil {
		return err
	}
	c.stdin = stdin
	if err := c.run.Start(); err != nil {
		return err
	}
	c.exited = make(chan struct{})
	go func() {
		_ = c.run.Wait() // its output has the result
		close(c.exited)
	}()
	return nil
}

// port waits until the engine returns the port of the server on this machine.
func (c *container) port(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		out, err := c.ask(ctx, 10*time.Second, "port", c.name, "5432/tcp")
		if err == nil && out != "" { // podman knows no port before the container runs
			first, _, _ := strings.Cut(out, "\n")
			_, port, err := net.SplitHostPort(first)
			return port, err
		}
		select {
		case <-c.exited:
			return "", fmt.Errorf("%w: %s", errExited, bytes.TrimSpace(c.output.Bytes()))
		case <-ctx.Done():
			return "", fmt.Errorf("%s tells no port: %w", c.engine, context.Cause(ctx))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stop ends the server, and with it the container, which the engine removes.
func (c *container) stop() error {
	_ = c.stdin.Close() // the client may be gone already
	select {
	case <-c.exited:
		return nil
	case <-time.After(15 * time.Second):
	}
	_, err := c.ask(context.Background(), 30*time.Second, "rm", "--force", c.name)
	return err
}
