package container_test

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// volumes are the three directories of the service init.
type volumes struct{ secrets, initdb, database string }

func newVolumes(t *testing.T) volumes {
	t.Helper()
	root := t.TempDir()
	v := volumes{filepath.Join(root, "secrets"), filepath.Join(root, "initdb"), filepath.Join(root, "database")}
	for _, d := range []string{v.secrets, v.initdb, v.database} {
		mkdir(t, d)
	}
	return v
}

func mkdir(t *testing.T, name string) {
	t.Helper()
	if err := os.Mkdir(name, 0o755); err != nil {
		t.Fatal(err)
	}
}

// run runs init as docker compose would, with the shell of this machine. Only root can give files
// away, so for another user chown does nothing.
func (v volumes) run(t *testing.T) (string, error) {
	t.Helper()
	s := compose(t).Services["init"]
	if !slices.Equal(s.Entrypoint, []string{"/bin/sh", "-euc"}) || len(s.Command) != 5 {
		t.Fatalf("init runs %v with %d arguments", s.Entrypoint, len(s.Command))
	}
	script := strings.ReplaceAll(s.Command[0], "$$", "$") // the escape of compose
	c := exec.CommandContext(t.Context(), s.Entrypoint[0], s.Entrypoint[1], script, s.Command[1], v.secrets, v.initdb, v.database)
	if os.Geteuid() != 0 {
		c.Env = append(os.Environ(), "PATH="+harmlessChown(t)+":"+os.Getenv("PATH"))
	}
	output, err := c.CombinedOutput()
	return string(output), err
}

func harmlessChown(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "chown"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// files returns the content of every file by its volume and name.
func (v volumes) files(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for volume, dir := range map[string]string{"secrets": v.secrets, "initdb": v.initdb} {
		for _, entry := range entries(t, dir) {
			all[volume+"/"+entry.Name()] = readFile(t, filepath.Join(dir, entry.Name()))
		}
	}
	return all
}

func entries(t *testing.T, dir string) []fs.DirEntry {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func mustRun(t *testing.T, v volumes) map[string]string {
	t.Helper()
	if output, err := v.run(t); err != nil || output != "" {
		t.Fatalf("init ends with %v and says %q", err, output)
	}
	return v.files(t)
}

func remove(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestInitMakesTheSecrets(t *testing.T) {
	v := newVolumes(t)
	made := mustRun(t, v)
	names := slices.Sorted(maps.Keys(made))
	if want := []string{"initdb/authserver.sql", "initdb/superuser-password", "secrets/database-url", "secrets/master-key"}; !slices.Equal(names, want) {
		t.Fatalf("it made %v instead of %v", names, want)
	}
	if key, err := base64.StdEncoding.DecodeString(made["secrets/master-key"]); err != nil || len(key) != 32 {
		t.Errorf("the master key has %d bytes: %v", len(key), err)
	}
	requireOneRole(t, made)
	for dir, owner := range map[string]string{v.secrets: "65532:65532", v.initdb: "70:70"} {
		for _, entry := range entries(t, dir) {
			info, err := entry.Info()
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode() != 0o400 {
				t.Errorf("%s has the mode %v", entry.Name(), info.Mode())
			}
			if got := ownerOf(info); os.Geteuid() == 0 && got != owner {
				t.Errorf("%s belongs to %s instead of %s", entry.Name(), got, owner)
			}
		}
	}
	if diff := cmp.Diff(made, mustRun(t, v)); diff != "" {
		t.Errorf("a second start changed something:\n%s", diff)
	}
	if other := mustRun(t, newVolumes(t)); other["secrets/master-key"] == made["secrets/master-key"] || other["secrets/database-url"] == made["secrets/database-url"] {
		t.Error("two machines have the same secrets")
	}
}

// requireOneRole: the server logs in with the role that PostgreSQL makes.
func requireOneRole(t *testing.T, made map[string]string) {
	t.Helper()
	u, err := url.Parse(made["secrets/database-url"])
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	if len(password) != 43 { // base64url of 32 bytes
		t.Errorf("the password has %d characters", len(password))
	}
	want := fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'; CREATE DATABASE %s OWNER %[1]s;", u.User.Username(), password, strings.TrimPrefix(u.Path, "/"))
	if made["initdb/authserver.sql"] != want {
		t.Error("database-url and authserver.sql do not name one role, password and database")
	}
}

func TestInitMendsWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		name    string
		spoil   func(t *testing.T, v volumes)
		changes []string
		refuses string
	}{
		{
			name: "a file that a crash left half written is written anew",
			spoil: func(t *testing.T, v volumes) {
				t.Helper()
				remove(t, v.secrets+"/master-key")
				if err := os.WriteFile(v.secrets+"/master-key.new", []byte("half"), 0o400); err != nil {
					t.Fatal(err)
				}
			},
			changes: []string{"secrets/master-key"},
		},
		{
			name:    "a crash before the URL makes role and URL anew",
			spoil:   func(t *testing.T, v volumes) { t.Helper(); remove(t, v.secrets+"/database-url") },
			changes: []string{"initdb/authserver.sql", "secrets/database-url"},
		},
		{
			name: "with the database gone a lost role is made anew, and the master key is kept",
			spoil: func(t *testing.T, v volumes) {
				t.Helper()
				remove(t, v.initdb+"/authserver.sql", v.initdb+"/superuser-password")
			},
			changes: []string{"initdb/authserver.sql", "initdb/superuser-password", "secrets/database-url"},
		},
		{
			name: "a living database needs nothing of initdb but a password",
			spoil: func(t *testing.T, v volumes) {
				t.Helper()
				mkdir(t, v.database+"/pgdata")
				remove(t, v.initdb+"/authserver.sql", v.initdb+"/superuser-password")
			},
			changes: []string{"initdb/authserver.sql", "initdb/superuser-password"},
		},
		{
			name: "an old database gets no new master key",
			spoil: func(t *testing.T, v volumes) {
				t.Helper()
				mkdir(t, v.database+"/pgdata")
				remove(t, v.secrets+"/master-key")
			},
			refuses: "master-key is gone: restore",
		},
		{
			name: "an old database gets no new password",
			spoil: func(t *testing.T, v volumes) {
				t.Helper()
				mkdir(t, v.database+"/pgdata")
				remove(t, v.secrets+"/database-url")
			},
			refuses: "database-url is gone: restore",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newVolumes(t)
			before := mustRun(t, v)
			c.spoil(t, v)
			spoilt := v.files(t)
			if c.refuses != "" {
				if output, err := v.run(t); err == nil || !strings.Contains(output, c.refuses) {
					t.Errorf("it ends with %v and says %q", err, output)
				}
				if diff := cmp.Diff(spoilt, v.files(t)); diff != "" {
					t.Errorf("it refused and changed something:\n%s", diff)
				}
				return
			}
			after := mustRun(t, v)
			var changed []string
			for name := range before {
				if before[name] != after[name] {
					changed = append(changed, name)
				}
			}
			if slices.Sort(changed); !slices.Equal(changed, c.changes) {
				t.Errorf("%v changed instead of %v", changed, c.changes)
			}
			if _, ok := after["initdb/authserver.sql"]; ok {
				requireOneRole(t, after)
			}
			if _, ok := after["secrets/master-key.new"]; ok {
				t.Error("the half written file is there still")
			}
		})
	}
}
