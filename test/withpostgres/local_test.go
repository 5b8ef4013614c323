package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseVersion(t *testing.T) {
	type version struct {
		Major, Minor int
		OK           bool
	}
	for name, test := range map[string]struct {
		out  string
		want version
	}{
		"a release":          {"postgres (PostgreSQL) 17.5\n", version{17, 5, true}},
		"a packager's words": {"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", version{15, 18, true}},
		"a beta":             {"postgres (PostgreSQL) 18beta1\n", version{18, 0, true}},
		"an old numbering":   {"postgres (PostgreSQL) 9.6.24\n", version{9, 6, true}},
		"something else":     {"psql 17.5\n", version{}},
		"nothing":            {"", version{}},
	} {
		t.Run(name, func(t *testing.T) {
			var got version
			got.Major, got.Minor, got.OK = parseVersion(test.out)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("parseVersion(%q) (-want +got):\n%s", test.out, diff)
			}
		})
	}
}

func TestInstallations(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	script(t, filepath.Join(root, "lib/15/bin/postgres"), "echo 'postgres (PostgreSQL) 15.18'")
	script(t, filepath.Join(root, "lib/15/bin/initdb"), "")
	script(t, filepath.Join(root, "lib/17/bin/postgres"), "echo 'postgres (PostgreSQL) 17.5'")
	script(t, filepath.Join(root, "lib/17/bin/initdb"), "")
	script(t, filepath.Join(root, "lib/9.6/bin/postgres"), "echo 'postgres (PostgreSQL) 9.6.24'")
	script(t, filepath.Join(root, "lib/9.6/bin/initdb"), "")
	script(t, filepath.Join(root, "half/16/bin/postgres"), "echo 'postgres (PostgreSQL) 16.1'")
	script(t, filepath.Join(root, "broken/16/bin/postgres"), "exit 1")
	script(t, filepath.Join(root, "broken/16/bin/initdb"), "")
	links := filepath.Join(root, "links")
	if err := os.Mkdir(links, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(root, "lib/15/bin/postgres"), filepath.Join(links, "postgres")); err != nil {
		t.Fatal(err)
	}

	fifteen := installation{binDir: filepath.Join(root, "lib/15/bin"), major: 15, minor: 18}
	seventeen := installation{binDir: filepath.Join(root, "lib/17/bin"), major: 17, minor: 5}
	for name, test := range map[string]struct {
		patterns []string
		want     []installation
	}{
		"the newest is first and one too old is left out":  {[]string{"lib/*/bin"}, []installation{seventeen, fifteen}},
		"a folder of links stands for where they lead":     {[]string{"links"}, []installation{fifteen}},
		"one that is found twice is listed once":           {[]string{"links", "lib/15/bin"}, []installation{fifteen}},
		"a client's folder without initdb is passed over":  {[]string{"half/*/bin"}, nil},
		"a program that does not run is passed over":       {[]string{"broken/*/bin"}, nil},
		"a folder that is not there is not worth an error": {[]string{"nowhere", "nowhere/*/bin"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var patterns []string
			for _, p := range test.patterns {
				patterns = append(patterns, filepath.Join(root, p))
			}
			got := installations(t.Context(), patterns)
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(installation{})); diff != "" {
				t.Errorf("installations (-want +got):\n%s", diff)
			}
		})
	}
}

// script writes a program.
func script(t *testing.T, path, body string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(fmt.Sprintf("#!/bin/sh\n%s\n", body)), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestMakeFolder(t *testing.T) {
	base, err := os.MkdirTemp("", "makefolder-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	closed := filepath.Join(base, "closed")
	deep := filepath.Join(base, strings.Repeat("d", longestSocketFolder))
	for _, dir := range []string{closed, deep} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	other := &syscall.Credential{Uid: 65534, Gid: 65534}
	for name, test := range map[string]struct {
		account *syscall.Credential
		parents []string
		parent  string // "": none is suitable
	}{
		"the first parent is taken":                       {nil, []string{closed, "/tmp"}, closed},
		"one that is too deep for a socket":               {nil, []string{deep, closed}, closed},
		"one that another account cannot reach":           {other, []string{closed, "/tmp"}, "/tmp"},
		"one that is not there":                           {nil, []string{filepath.Join(base, "nowhere"), closed}, closed},
		"no parent that would do is an error":             {nil, []string{deep}, ""},
		"no parent that another account can reach either": {other, []string{closed}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path, err := makeFolder(test.account, test.parents...)
			if (err != nil) != (test.parent == "") {
				t.Fatalf("makeFolder: %q, %v", path, err)
			}
			if err != nil {
				return
			}
			defer func() { _ = os.Remove(path) }()
			if got := filepath.Dir(path); got != test.parent {
				t.Errorf("made in %s, want %s", got, test.parent)
			}
			if entries, err := os.ReadDir(deep); err != nil || len(entries) > 0 {
				t.Errorf("left behind in the folder that is too deep: %v, %v", entries, err)
			}
		})
	}
}
