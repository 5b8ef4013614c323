package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
)

// startPatience is how long a server may take to answer its first query.
const startPatience = 30 * time.Second

// errExited reports that there is nothing to wait for any more.
var errExited = errors.New("the server exited")

// newPassword returns a password of 130 random bits that needs no quoting.
func newPassword() string { return rand.Text() }

// loopbackURL returns the URL of the database postgres of a server on this machine.
func loopbackURL(password, port string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword("postgres", password),
		Host:     net.JoinHostPort("127.0.0.1", port),
		Path:     "/postgres",
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// waitReady queries the database until it answers, and returns the server's version. It gives up
// after patience, or when exited is closed.
func waitReady(ctx context.Context, url string, patience time.Duration, exited <-chan struct{}) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		version, err := ask(ctx, url)
		if err == nil {
			return version, nil
		}
		select {
		case <-exited:
			return "", errExited
		case <-ctx.Done():
			return "", fmt.Errorf("no answer within %v: %w", patience, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func ask(ctx context.Context, url string) (version string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "SHOW server_version").Scan(&version)
	return version, err
}
