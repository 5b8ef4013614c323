package config

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTable(t *testing.T) {
	names := make(map[string]bool)
	for _, r := range Table() {
		if r.Name == "" || r.Help == "" || r.Group == "" || names[r.Name] {
			t.Errorf("a setting lacks a name of its own, help or group: %+v", r)
		}
		names[r.Name] = true
		if r.Flag == "" && r.File == "" && r.Env == "" {
			t.Errorf("%s cannot be set", r.Name)
		}
		if r.Default != "" && r.check(r.Name, r.Default) != nil {
			t.Errorf("the default of %s is malformed: %v", r.Name, r.check(r.Name, r.Default))
		}
		if !strings.HasSuffix(r.Help, ".") {
			t.Errorf("the help of %s is no sentence: %s", r.Name, r.Help)
		}
	}
	for _, name := range []string{"listen", "ops-listen", "issuer", "database-url", "master-key", "master-key-file", "config",
		"key-rotation-interval", "jwks-max-age", "key-poll-interval", "clock-skew", "no-migrate"} {
		if !names[name] {
			t.Errorf("the setting %s is gone, which users rely on", name)
		}
	}
}

func TestMarkdown(t *testing.T) {
	got := Markdown([]Row{
		{Name: "listen", Flag: "--listen", Env: "AUTHSERVER_LISTEN", File: "listen", Default: ":1", Help: "This | that."},
		{Name: "config", Flag: "--config", Env: "AUTHSERVER_CONFIG", Help: "File."},
		{Name: "master-key", Env: "AUTHSERVER_MASTER_KEY", Help: "Key."},
	})
	const want = "| Flag and YAML key | Environment | Default | |\n|---|---|---|---|\n" +
		"| `--listen` | `AUTHSERVER_LISTEN` | `:1` | This \\| that. |\n" +
		"| `--config` (not in YAML) | `AUTHSERVER_CONFIG` |  | File. |\n" +
		"| (environment alone) | `AUTHSERVER_MASTER_KEY` |  | Key. |\n"
	if got != want {
		t.Errorf("Markdown returned\n%s\nwant\n%s", got, want)
	}
	if lines := strings.Count(Markdown(Table()), "\n"); lines != len(Table())+2 {
		t.Errorf("the table has %d lines for %d settings", lines, len(Table()))
	}
}

func TestNearest(t *testing.T) {
	candidates := []string{"database-url", "database-url-file", "issuer", "listen"}
	for name, want := range map[string]string{
		"databse-url": "database-url", "database_url": "database-url", "isuer": "issuer", "Listen": "listen", "": "issuer",
	} {
		if got := nearest(name, candidates); got != want {
			t.Errorf("nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestDistanceIsAMetric(t *testing.T) {
	word := rapid.StringMatching(`[a-c]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		switch {
		case (distance(a, b) == 0) != (a == b):
			t.Fatalf("distance(%q, %q) = %d", a, b, distance(a, b))
		case distance(a, b) != distance(b, a):
			t.Fatalf("distance(%q, %q) = %d, and %d back", a, b, distance(a, b), distance(b, a))
		case distance(a, c) > distance(a, b)+distance(b, c):
			t.Fatalf("from %q to %q it is shorter by way of %q", a, c, b)
		}
	})
}
