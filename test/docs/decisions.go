package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A decision is a file NN-title.md, with a heading and these parts.
var (
	decisionName  = regexp.MustCompile(`^(\d\d)-[a-z0-9-]+\.md$`)
	decisionParts = []string{"\n**Context.** ", "\n**Decision.** ", "\n**Why.** "}
)

// decisionsIndex returns a table of the decisions, by their numbers. A number that two of them
// have, or a decision without one of its parts, is an error.
func decisionsIndex(root string) (string, error) {
	files, err := os.ReadDir(filepath.Join(root, "docs", "decisions"))
	if err != nil {
		return "", fmt.Errorf("list the decisions: %w", err)
	}
	var out strings.Builder
	out.WriteString("| number | decision |\n|--:|---|\n")
	seen := map[string]bool{}
	for _, file := range files {
		if file.Name() == "README.md" {
			continue
		}
		name := decisionName.FindStringSubmatch(file.Name())
		if name == nil || seen[name[1]] {
			return "", fmt.Errorf("docs/decisions/%s: want a name such as 07-title.md, with a number of its own", file.Name())
		}
		seen[name[1]] = true
		text, err := os.ReadFile(filepath.Join(root, "docs", "decisions", file.Name()))
		if err != nil {
			return "", fmt.Errorf("read a decision: %w", err)
		}
		title, rest, _ := strings.Cut(string(text), "\n")
		for _, part := range decisionParts {
			if !strings.Contains(rest, part) {
				return "", fmt.Errorf("docs/decisions/%s has no part %s", file.Name(), strings.TrimSpace(part))
			}
		}
		fmt.Fprintf(&out, "| %s | [%s](%s) |\n", name[1], strings.TrimPrefix(title, "# "), file.Name())
	}
	return out.String(), nil
}
