package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/config"
	"authserver/internal/keys"
)

const keysPage = "docs/keys.md"

// TestLeadAndLag: docs/keys.md adds up the present defaults.
func TestLeadAndLag(t *testing.T) {
	defaults := make(map[string]time.Duration)
	for _, s := range config.Table() {
		if d, err := config.ParseDuration(s.Default); err == nil {
			defaults[s.Name] = d
		}
	}
	timeline := keys.Timeline{
		RotationInterval: defaults["key-rotation-interval"], JWKSMaxAge: defaults["jwks-max-age"], PollInterval: defaults["key-poll-interval"],
		ClockSkew: defaults["clock-skew"], MaxTokenTTL: defaults["max-access-token-ttl"],
	}
	sum := func(total time.Duration, parts ...time.Duration) string {
		var said []string
		for _, p := range parts {
			said = append(said, spell(p))
		}
		return strings.Join(said, " + ") + " = **" + spell(total) + "**"
	}
	want := map[string]string{
		"lead": sum(timeline.Lead(), timeline.JWKSMaxAge, timeline.StaleWhileRevalidate(), timeline.PollInterval, timeline.ClockSkew),
		"lag":  sum(timeline.Lag(), timeline.MaxTokenTTL, timeline.ClockSkew),
	}
	p := readPage(t, keysPage)
	got := make(map[string]string)
	for _, row := range p.rows("") {
		if len(row) == 3 && want[row[0]] != "" {
			got[row[0]] = row[2]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s adds up other numbers (-code +page):\n%s", p.name, diff)
	}
	for what, d := range map[string]time.Duration{
		"how long a verifier may keep a set":     timeline.Cached(),
		"how long servers take to hear, at most": timeline.PollInterval + timeline.ClockSkew,
	} {
		if !strings.Contains(strings.Join(strings.Fields(p.text), " "), spell(d)) {
			t.Errorf("%s does not say %s: %s", p.name, what, spell(d))
		}
	}
}

// spell writes a duration in the form of the page: 1 m 30 s.
func spell(d time.Duration) string {
	var parts []string
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if n := d / unit.of; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, unit.name))
			d -= n * unit.of
		}
	}
	return strings.Join(parts, " ")
}

// TestAlgorithms: docs/keys.md lists all algorithms.
func TestAlgorithms(t *testing.T) {
	var got []string
	for _, row := range readPage(t, keysPage).rows("--signing-alg") {
		got = append(got, regexp.MustCompile(`\w+`).FindString(row[0]))
	}
	if diff := cmp.Diff(keys.Algorithms(), got); diff != "" {
		t.Errorf("the algorithms of the code and of %s differ (-code +page):\n%s", keysPage, diff)
	}
}

// TestWhatToWatch: the metrics and log messages that docs/keys.md tells the operator to watch
// exist.
func TestWhatToWatch(t *testing.T) {
	known, text := metrics(t), readPage(t, keysPage).text
	watched := regexp.MustCompile("`(authserver_\\w+)[`{]").FindAllStringSubmatch(text, -1)
	for _, found := range watched {
		if _, ok := known[found[1]]; !ok {
			t.Errorf("%s has the metric %s, and the server does not", keysPage, found[1])
		}
	}
	if len(watched) < 5 {
		t.Errorf("only %d metrics were found: is the page read rightly?", len(watched))
	}
	var code strings.Builder
	for _, pattern := range []string{"internal/keys/*.go", "internal/server/*.go"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			code.Write(content)
		}
	}
	messages := []string{"a signing key cannot be opened", "work in the background failed and is tried again", "plan the keys"}
	for _, message := range messages {
		if !strings.Contains(text, "`"+message+"`") || !strings.Contains(code.String(), `"`+message+`"`) {
			t.Errorf("%q is not what both %s and the code say", message, keysPage)
		}
	}
	if !slices.ContainsFunc(readPage(t, "docs/errors.md").rows("reason"), func(row []string) bool { return row[0] == "signing_key_pending" }) {
		t.Error("docs/errors.md has no signing_key_pending")
	}
}
