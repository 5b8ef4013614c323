package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// oldestMajor is the oldest PostgreSQL that its makers still maintain.
const oldestMajor = 14

// installation is a folder with the programs initdb and postgres.
type installation struct {
	binDir       string
	major, minor int
}

// localPatterns returns the folders in which to look for the programs, as patterns of
// filepath.Glob.
func localPatterns() []string {
	dirs := filepath.SplitList(os.Getenv("PATH"))
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	return append(dirs,
		"/usr/lib/postgresql/*/bin",         // Debian
		"/usr/pgsql-*/bin",                  // the PostgreSQL project's own RPMs
		"/usr/libexec/postgresql*",          // Alpine
		"/opt/homebrew/opt/postgresql*/bin", // macOS on Apple silicon
		"/usr/local/opt/postgresql*/bin",    // macOS on Intel
	)
}

// installations returns the installations in the folders that match the patterns, each once, the
// newest first, without those older than oldestMajor.
func installations(ctx context.Context, patterns []string) []installation {
	var found []installation
	seen := map[string]bool{}
	for _, pattern := range patterns {
		dirs, _ := filepath.Glob(pattern) // only a malformed pattern is an error, and such a folder has no name
		for _, dir := range dirs {
			i, ok := inspect(ctx, dir)
			if !ok || seen[i.binDir] || i.major < oldestMajor {
				continue
			}
			seen[i.binDir] = true
			found = append(found, i)
		}
	}
	slices.SortStableFunc(found, func(a, b installation) int {
		return cmp.Or(cmp.Compare(b.major, a.major), cmp.Compare(b.minor, a.minor))
	})
	return found
}

// inspect returns the installation in dir. If dir is a folder of links, such as /usr/local/bin may
// be, it returns the folder to which they lead.
func inspect(ctx context.Context, dir string) (installation, bool) {
	postgres, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	if err != nil {
		return installation{}, false
	}
	binDir := filepath.Dir(postgres)
	if _, err := exec.LookPath(filepath.Join(binDir, "initdb")); err != nil {
		return installation{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, postgres, "--version").Output()
	if err != nil {
		return installation{}, false
	}
	major, minor, ok := parseVersion(string(out))
	return installation{binDir: binDir, major: major, minor: minor}, ok
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)(?:\.(\d+))?`)

// parseVersion reads the answer of `postgres --version`, such as
// "postgres (PostgreSQL) 17.5 (Debian 17.5-1)" or "postgres (PostgreSQL) 18beta1".
func parseVersion(out string) (major, minor int, ok bool) {
	m := versionPattern.FindStringSubmatch(out)
	if m == nil {
		return 0, 0, false
	}
	major, err := strconv.Atoi(m[1])
	minor, _ = strconv.Atoi(m[2]) // 0 in a beta, which has none
	return major, minor, err == nil
}

// startNewest starts the first of the installations that can be started.
func startNewest(ctx context.Context, candidates []installation) (*server, error) {
	errs := []error{fmt.Errorf("no server binaries of PostgreSQL %d or later found", oldestMajor)}
	if len(candidates) > 0 {
		errs = nil
	}
	for _, i := range candidates {
		srv, err := startCluster(ctx, i)
		if err == nil {
			return srv, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", i.binDir, err))
	}
	return nil, errors.Join(errs...)
}
