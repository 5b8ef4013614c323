package docs

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// made is a file that a command of a page makes in the folder in which the reader is.
var made = regexp.MustCompile(`(?:> |sqlite:)([a-z][a-z.-]*[.-](?:key|yaml|db|dump))\b`)

// TestGitIgnoresWhatPagesMake: an operator who follows a page in a clone, and then commits, commits no
// key, settings or database.
func TestGitIgnoresWhatPagesMake(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	patterns := strings.Fields(read(".gitignore"))
	for page, least := range map[string]int{"README.md": 3, "docs/docker.md": 4, "docs/keys.md": 1} {
		found := made.FindAllStringSubmatch(read(page), -1)
		if len(found) < least {
			t.Errorf("%s makes %d files, and at least %d are expected: does the test still read the page?", page, len(found), least)
		}
		for _, file := range found {
			if !slices.ContainsFunc(patterns, func(pattern string) bool {
				ok, err := path.Match(strings.TrimPrefix(pattern, "/"), file[1])
				return ok && err == nil
			}) {
				t.Errorf("%s makes %s, which .gitignore does not have", page, file[1])
			}
		}
	}
}
