package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/config"
)

// TestReadersOfSettings: docs/settings.md says which commands read which settings. A setting that
// it does not list belongs to every command, or only to serve and dev.
func TestReadersOfSettings(t *testing.T) {
	const heading = "| Settings | Read by, beside `serve` and `dev` |\n|---|---|\n"
	page, err := os.ReadFile("../../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), heading)
	got, _, _ := strings.Cut(rest, "\n\n")
	var want []string
	var before string // the readers of the setting before
	for _, r := range config.Table() {
		readers := readersOf(t, r)
		switch {
		case readers == "":
		case readers == before:
			settings, _, _ := strings.Cut(want[len(want)-1], " | ")
			want[len(want)-1] = settings + ", `" + r.Flag + "` | " + readers + " |"
		default:
			want = append(want, "| `"+r.Flag+"` | "+readers+" |")
		}
		before = readers
	}
	if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(got), "\n")); diff != "" {
		t.Errorf("the commands and docs/settings.md differ (-commands +page):\n%s\nThe table:\n%s%s", diff, heading, strings.Join(want, "\n"))
	}
}

// readersOf returns the commands that read a setting, except serve and dev; "" for a setting of
// every command on the database.
func readersOf(t *testing.T, r config.Row) string {
	if slices.Contains([]string{"config", "database-url", "database-url-file", "database-max-conns"}, r.Name) {
		return ""
	}
	var readers []string
	for _, leaf := range leaves(t) {
		if path := leaf.Path(); path != "serve" && path != "dev" && hasFlag(leaf, r.Name) && r.Flag != "" {
			readers = append(readers, "`"+path+"`")
		}
	}
	return strings.Join(readers, ", ")
}
