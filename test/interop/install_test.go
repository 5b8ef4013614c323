//go:build interop

package interop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// installTimeout bounds one installation from a slow registry.
const installTimeout = 10 * time.Minute

// installed has the paths of the dependencies of the programs.
type installed struct {
	nodeModules string // node_modules
	python      string // of the virtual environment
	jars        string // a class path
}

// tool is a program that this machine must have.
type tool struct {
	command []string // prints a version first
	atLeast int
	what    string
}

func tools() []tool {
	return []tool{
		{[]string{"node", "--version"}, 20, "Node.js 20 or later"},
		{[]string{"npm", "--version"}, 9, "npm 9 or later"},
		{[]string{"python3", "-c", "import ensurepip, sys, venv; print(sys.version_info.minor)"}, 11, "Python 3.11 or later with venv"},
		{[]string{"javac", "--version"}, 17, "a JDK 17 or later"},
		{[]string{"java", "--version"}, 17, "a Java runtime 17 or later"},
		{[]string{"mvn", "--version"}, 0, "Maven"},
	}
}

// install installs what the lockfiles pin into the user's cache, unless that was done before.
func install(t *testing.T) installed {
	t.Helper()
	versions := checkTools(t)
	node := cached(t, "node", []string{"node/package.json", "node/package-lock.json"}, versions, func(folder string) {
		copyInto(t, folder, "node/package.json", "node/package-lock.json")
		run(t, folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	})
	python := cached(t, "python", []string{"python/requirements.txt"}, versions, func(folder string) {
		copyInto(t, folder, "python/requirements.txt")
		run(t, folder, "python3", "-m", "venv", "venv")
		run(t, folder, filepath.Join(folder, "venv", "bin", "python"), "-m", "pip", "install",
			"--quiet", "--disable-pip-version-check", "--require-hashes", "--requirement", "requirements.txt")
	})
	java := cached(t, "java", []string{"java/pom.xml"}, versions, func(folder string) {
		copyInto(t, folder, "java/pom.xml")
		run(t, folder, "mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", "-DoutputDirectory="+filepath.Join(folder, "jars"))
	})
	return installed{
		nodeModules: filepath.Join(node, "node_modules"),
		python:      filepath.Join(python, "venv", "bin", "python"),
		jars:        filepath.Join(java, "jars", "*"),
	}
}

// checkTools returns the versions of the tools, or fails and names all that are missing. It runs
// the tools once for all tests.
func checkTools(t *testing.T) string {
	t.Helper()
	versions, err := toolVersions()
	if err != nil {
		t.Fatal(err)
	}
	return versions
}

var toolVersions = sync.OnceValues(func() (string, error) {
	var versions strings.Builder
	var missing []string
	for _, tool := range tools() {
		out, err := exec.Command(tool.command[0], tool.command[1:]...).Output()
		major, _ := strconv.Atoi(string(regexp.MustCompile(`\d+`).Find(out)))
		if err != nil || major < tool.atLeast {
			missing = append(missing, fmt.Sprintf("%s (%s: %v %s)", tool.what, tool.command[0], err, bytes.TrimSpace(out)))
		}
		versions.Write(out)
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("install what the foreign clients need, by hand or with test/install/install.sh node python java maven:\n%s", strings.Join(missing, "\n"))
	}
	return versions.String(), nil
})

// cached returns a folder in the user's cache that fill has filled, once for each content of the
// files and each version of the tools. Concurrent tests wait for each other.
func cached(t *testing.T, name string, files []string, versions string, fill func(folder string)) string {
	t.Helper()
	root, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(content)
	}
	sum.Write([]byte(versions))
	folder := filepath.Join(root, "authserver-interop", name+"-"+hex.EncodeToString(sum.Sum(nil)[:8]))
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := os.Create(folder + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close() // this releases the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	complete := filepath.Join(folder, "complete")
	if _, err := os.Stat(complete); err == nil {
		return folder
	}
	if err := errors.Join(os.RemoveAll(folder), os.Mkdir(folder, 0o755)); err != nil {
		t.Fatal(err)
	}
	fill(folder)
	if err := os.WriteFile(complete, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

func copyInto(t *testing.T, folder string, files ...string) {
	t.Helper()
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(file)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// run runs a command that must succeed.
func run(t *testing.T, folder, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), installTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = folder
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}
