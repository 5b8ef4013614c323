package docs

import (
	"fmt"
	"strings"
)

// measurements selects the rows of bench/RESULTS.md that README.md shows: requests a second and
// their 99th percentile, and the cost of a start and of a server at rest.
func measurements(results string) (string, error) {
	machine, ok := after(results, "- machine: ")
	signer, signed := after(results, "- tokens signed by: ")
	if !ok || !signed {
		return "", fmt.Errorf("bench/RESULTS.md names no machine or no signer")
	}
	machine, _, _ = strings.Cut(machine, ", go")
	signer, _, _ = strings.Cut(signer, " ")
	var out strings.Builder
	fmt.Fprintf(&out, "| On %s, with the load and the database beside; 16 connections; signed by %s | requests/s | p99 |\n|---|--:|--:|\n", machine, signer)
	for _, row := range []struct{ begins, title string }{
		{"client_credentials RS256 | postgres", "`client_credentials`, RS256"},
		{"client_credentials ES256 | postgres", "`client_credentials`, ES256"},
		{"refresh | postgres", "`refresh_token` on PostgreSQL"},
		{"refresh | sqlite", "`refresh_token` on SQLite"},
		{"introspection | postgres", "introspection"},
		{"introspection, again | postgres", "introspection of the same token again"},
		{"JWKS | postgres", "key set"},
	} {
		cells, err := find(results, row.begins)
		if err != nil {
			return "", err
		}
		rate, _, _ := strings.Cut(cells[2], " ")
		p99, _, _ := strings.Cut(cells[4], " ")
		fmt.Fprintf(&out, "| %s | %s | %s ms |\n", row.title, rate, p99)
	}
	var parts []string
	for _, row := range []struct{ begins, title, unit string }{
		{"start to the first 200, SQLite with keys", "The build of `make build-go` answers %s after its start", "ms"},
		{"resident memory, idle, make build-go", "takes %s of memory when idle", "MB"},
		{"binary, make build-go", "and is one file of %s", "MB"},
	} {
		cells, err := find(results, row.begins)
		if err != nil {
			return "", err
		}
		parts = append(parts, fmt.Sprintf(row.title, cells[2]+" "+row.unit))
	}
	fmt.Fprintf(&out, "\n%s.\n", strings.Join(parts, ", "))
	return out.String(), nil
}

// after returns the rest of the line that begins with a text.
func after(page, begins string) (string, bool) {
	for line := range strings.Lines(page) {
		if rest, found := strings.CutPrefix(line, begins); found {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}

// find returns the cells of the first table row that begins with a text. Each space in the text
// matches any number of spaces.
func find(page, begins string) ([]string, error) {
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(strings.Join(strings.Fields(strings.TrimPrefix(line, "|")), " "), begins) {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) >= 4 {
			return cells, nil
		}
	}
	return nil, fmt.Errorf("bench/RESULTS.md has no row %q", begins)
}
