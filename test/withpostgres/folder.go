package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// keeper is the shell script that outlives us. Its standard input ends when we close it or die of
// anything, even SIGKILL. Then it stops the server of the folder, at once because the data is
// thrown away (SIGQUIT is an immediate shutdown, which also removes the shared memory), and removes
// the folder. While initdb runs, the pid has a minus sign in front.
const keeper = `cat >/dev/null
tries=0
while read -r pid 2>/dev/null <"$1/data/postmaster.pid"; do
  pid=${pid#-} tries=$((tries + 1)) signal=QUIT
  [ $tries -lt 100 ] || signal=KILL
  kill -$signal "$pid" 2>/dev/null || break
  sleep 0.1
done
rm -rf "$1"`

// longestSocketFolder limits the length of a folder, so that the socket in it,
// FOLDER/.s.PGSQL.65535, fits into the 103 bytes that every system allows.
const longestSocketFolder = 103 - len("/.s.PGSQL.65535")

// folder has everything that a cluster writes.
type folder struct {
	path    string
	account *syscall.Credential // its owner, with which the server runs; nil: ourselves
	keeper  *exec.Cmd
	stdin   io.Closer // of the keeper
}

func (f *folder) dataDir() string { return filepath.Join(f.path, "data") }

// newFolder makes a folder of the account, and ensures that it will be removed.
func newFolder(account *syscall.Credential) (*folder, error) {
	path, err := makeFolder(account, parents()...)
	if err != nil {
		return nil, err
	}
	f := &folder{path: path, account: account, keeper: exec.Command("sh", "-c", keeper, "sh", path)}
	f.keeper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that a Ctrl-C does not reach it
	stdin, err := f.keeper.StdinPipe()
	if err == nil {
		err = f.keeper.Start()
	}
	if err == nil {
		err = give(path, account)
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	f.stdin = stdin
	return f, nil
}

// makeFolder makes a folder in the first of the parents whose path is short enough for a socket and
// open to the account.
func makeFolder(account *syscall.Credential, parents ...string) (string, error) {
	var errs []error
	for _, parent := range parents {
		if account != nil && !openToAll(parent) {
			errs = append(errs, fmt.Errorf("%s is closed to other accounts", parent))
			continue
		}
		path, err := os.MkdirTemp(parent, "withpostgres-")
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if len(path) > longestSocketFolder {
			errs = append(errs, fmt.Errorf("%s is too long a name for the folder of a socket", path), os.Remove(path))
			continue
		}
		return path, nil
	}
	return "", fmt.Errorf("no folder for the test server: %w", errors.Join(errs...))
}

// openToAll reports whether every account may enter the folder.
func openToAll(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode()&0o001 == 0 {
			return false
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return true
		}
		dir = parent
	}
}

// remove stops the server in the folder and removes the folder.
func (f *folder) remove() error {
	_ = f.stdin.Close() // if the keeper is gone already, its Wait reports that below
	late := time.AfterFunc(30*time.Second, func() { _ = f.keeper.Process.Kill() })
	defer late.Stop()
	if err := f.keeper.Wait(); err != nil {
		return errors.Join(fmt.Errorf("the keeper of %s: %w", f.path, err), os.RemoveAll(f.path))
	}
	return nil
}
