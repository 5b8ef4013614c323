package docs

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"authserver/internal/config"
)

// Generated text is between these two lines. The first names its source: the settings, the
// measurements, the decisions, or a file by its path from the root of the repository.
const (
	generatedBegin = "<!-- generated: "
	generatedEnd   = "<!-- end of generated -->"
	settings       = "settings"
	measured       = "measured"
	decisions      = "decisions"
)

// Pages returns the Markdown pages of the repository that are written for readers, by their path
// from root with slashes. It leaves out pages that a program writes as a whole, such as
// bench/RESULTS.md.
func Pages(root string) ([]string, error) {
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/decisions/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			return nil, fmt.Errorf("find pages: %w", err)
		}
		for _, file := range found {
			page, err := filepath.Rel(root, file)
			if err != nil {
				return nil, fmt.Errorf("find pages: %w", err)
			}
			pages = append(pages, filepath.ToSlash(page))
		}
	}
	return pages, nil
}

// Generate returns the page with new generated parts. root is the folder of the repository.
func Generate(root, page string) (string, error) {
	var out strings.Builder
	for rest := page; ; {
		before, after, found := strings.Cut(rest, generatedBegin)
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		source, after, closed := strings.Cut(after, " -->\n")
		_, after, ended := strings.Cut(after, generatedEnd)
		if !closed || !ended {
			return "", fmt.Errorf("%s%s: the line or its end %s is missing", generatedBegin, source, generatedEnd)
		}
		part, err := generate(root, source)
		if err != nil {
			return "", err
		}
		out.WriteString(generatedBegin + source + " -->\n" + part + generatedEnd)
		rest = after
	}
}

func generate(root, source string) (string, error) {
	switch source {
	case settings:
		return config.Markdown(config.Table()), nil
	case measured:
		results, err := os.ReadFile(filepath.Join(root, "bench", "RESULTS.md"))
		if err != nil {
			return "", fmt.Errorf("read the measurements: %w", err)
		}
		return measurements(string(results))
	case decisions:
		return decisionsIndex(root)
	}
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(source)))
	if err != nil {
		return "", fmt.Errorf("quote a file: %w", err)
	}
	language := map[string]string{".go": "go", ".mjs": "js", ".py": "python", ".java": "java"}[path.Ext(source)]
	return "```" + language + "\n" + string(text) + "```\n", nil
}
