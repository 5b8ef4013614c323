package docs

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"authserver/internal/config"
)

// What is generated stands between these two lines. The first says what of: the
// settings, or a file by its path from the root of the repository.
const (
	generatedBegin = "<!-- generated: "
	generatedEnd   = "<!-- end of generated -->"
	settings       = "settings"
)

// Generate returns the page with its generated parts made anew. root is the
// folder of the repository.
func Generate(root, page string) (string, error) {
	var out strings.Builder
	for rest := page; ; {
		before, after, found := strings.Cut(rest, generatedBegin)
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		what, after, closed := strings.Cut(after, " -->\n")
		_, after, ended := strings.Cut(after, generatedEnd)
		if !closed || !ended {
			return "", fmt.Errorf("%s%s: the line or its end %s is missing", generatedBegin, what, generatedEnd)
		}
		part, err := generate(root, what)
		if err != nil {
			return "", err
		}
		out.WriteString(generatedBegin + what + " -->\n" + part + generatedEnd)
		rest = after
	}
}

func generate(root, what string) (string, error) {
	if what == settings {
		return config.Markdown(config.Table()), nil
	}
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(what)))
	if err != nil {
		return "", fmt.Errorf("quote a file: %w", err)
	}
	language := map[string]string{".go": "go", ".mjs": "js", ".py": "python", ".java": "java"}[path.Ext(what)]
	return "```" + language + "\n" + string(text) + "```\n", nil
}
