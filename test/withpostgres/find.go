package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"authserver/test/install"
)

// server is a PostgreSQL server for the command.
type server struct {
	url    string
	binDir string       // of server binaries on this machine; "": there are none
	stop   func() error // removes everything
}

// find returns the first available server, in the order of the package comment. The error says what
// find tried and what to do.
func find(ctx context.Context) (*server, error) {
	if url := os.Getenv("TEST_DATABASE_URL"); url != "" {
		return given(ctx, url)
	}
	srv, localErr := startNewest(ctx, installations(ctx, localPatterns()))
	if srv != nil {
		return srv, nil
	}
	srv, containerErr := startContainer(ctx)
	if srv != nil {
		return srv, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	report("no PostgreSQL on this machine can be used (%v; %v)", localErr, containerErr)
	installErr := install.Tools(ctx, os.Stderr, "postgres")
	if installErr == nil {
		srv, installErr = startNewest(ctx, installations(ctx, localPatterns()))
		if srv != nil {
			return srv, nil
		}
	}
	return nil, fmt.Errorf("there is no PostgreSQL to test with: install the server package of PostgreSQL %d or later, start docker or podman, or set TEST_DATABASE_URL to a superuser's postgres:// URL: %w",
		oldestMajor, errors.Join(localErr, containerErr, installErr))
}

// given checks that the database of the caller answers.
func given(ctx context.Context, url string) (*server, error) {
	version, err := waitReady(ctx, url, startPatience, nil)
	if err != nil {
		return nil, fmt.Errorf("TEST_DATABASE_URL is set and its database does not answer; start it or unset the variable: %w", err)
	}
	report("PostgreSQL %s of TEST_DATABASE_URL", version)
	srv := &server{url: url, stop: func() error { return nil }}
	if local := installations(ctx, localPatterns()); len(local) > 0 {
		srv.binDir = local[0].binDir
	}
	return srv, nil
}
