//go:build browser

package pages

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// axe returns the program of axe-core, which npm installs beside the test.
func axe(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err = os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", filepath.Join(folder, "cache"))
	npm.Dir = folder
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	program, err := os.ReadFile(filepath.Join(folder, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(program)
}

// TestAxe checks every page against the rules of axe-core, of WCAG and of good practice: in light,
// in dark, and from right to left.
func TestAxe(t *testing.T) {
	program := axe(t)
	m, b := openMuseum(t), openBrowser(t)
	for _, look := range []struct {
		name    string
		dark    bool
		locales string
		width   int64
	}{{"light", false, "en", 1000}, {"dark", true, "en", 1000}, {"ar", false, "ar", 1000}, {"phone in dark", true, "ar", 320}} {
		b.dark(look.dark)
		b.size(look.width, 800)
		for _, e := range m.exhibits {
			if e.passing() { // TestFormPost opens it: it is gone before axe-core can check it
				continue
			}
			b.open(m.url + "/" + e.name + "?ui_locales=" + look.locales)
			b.accessible(program, e.name+", "+look.name)
		}
	}
}

// accessible checks the open page against the rules.
func (b tab) accessible(program, name string) {
	b.t.Helper()
	value(b, chromedp.Evaluate[chromedp.Void](program))
	found := ask[string](b, `axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify({
		ran: r.passes.length,
		violations: r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => n.html + " " + n.failureSummary)})),
	}))`)
	var result struct {
		Ran        int
		Violations []struct {
			ID, Help string
			Nodes    []string
		}
	}
	if err := json.Unmarshal([]byte(found), &result); err != nil {
		b.t.Fatal(err)
	}
	if result.Ran < 10 {
		b.t.Errorf("%s: only %d rules applied", name, result.Ran)
	}
	for _, v := range result.Violations {
		b.t.Error(fmt.Sprintf("%s: %s: %s", name, v.ID, v.Help), v.Nodes)
	}
}
