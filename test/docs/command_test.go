package docs

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"authserver/test/harness"
)

// A command of ours in a page: from the name of the binary to the end of the command in the shell,
// or to the end of the code.
var (
	continuation = regexp.MustCompile(`\\\n\s*`)
	inBlock      = regexp.MustCompile(`(?m)(?:^|[/\s(])authserver((?: +[^|;&<>()\s]+)+)`)
	inLine       = regexp.MustCompile("`authserver ([^`]+)`")
	name         = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
)

// commandsOf returns the words after "authserver" of each command in the page.
func commandsOf(p page) [][]string {
	var found [][]string
	for _, b := range p.blocks {
		if b.language != "sh" && b.language != "shell" && b.language != "" {
			continue
		}
		for _, match := range inBlock.FindAllStringSubmatch(continuation.ReplaceAllString(b.text, " "), -1) {
			words := strings.Fields(match[1])
			if words[0] == "/authserver" { // docker compose exec authserver /authserver …
				words = words[1:]
			}
			found = append(found, words)
		}
	}
	for _, match := range inLine.FindAllStringSubmatch(p.text, -1) {
		found = append(found, strings.Fields(match[1]))
	}
	return found
}

// alternatives returns the commands for a word such as "status|force".
func alternatives(words []string) [][]string {
	all := [][]string{nil}
	for _, word := range words {
		var longer [][]string
		for _, one := range strings.Split(word, "|") {
			for _, before := range all {
				longer = append(longer, append(slices.Clone(before), one))
			}
		}
		all = longer
	}
	return all
}

// manual is the help of the binary.
type manual struct {
	binary string
	pages  map[string]string // by the words of a command; "": there is no such command
}

func (m *manual) page(words ...string) string {
	key := strings.Join(words, " ")
	if _, known := m.pages[key]; !known {
		m.pages[key] = m.help(words, "--help") + m.help(words, "--help-settings")
	}
	return m.pages[key]
}

// help returns the output of a help flag, or "" if it is an error.
func (m *manual) help(words []string, flag string) string {
	help, err := exec.Command(m.binary, append(slices.Clone(words), flag)...).Output()
	if err != nil {
		return ""
	}
	return string(help)
}

// fault returns what is wrong with a command, or "".
func (m *manual) fault(words []string) string {
	if !name.MatchString(words[0]) {
		return "" // authserver --help, authserver …
	}
	help := m.page(words[0])
	if help != "" && strings.Contains(help, "Usage: authserver "+words[0]+" <command>") && len(words) > 1 {
		help = m.page(words[0], words[1])
	}
	if help == "" {
		return "there is no such command"
	}
	for _, word := range words {
		flag, _, _ := strings.Cut(word, "=")
		shown := strings.Replace(flag, "--", `--(\[no-\])?`, 1)
		if strings.HasPrefix(flag, "-") && flag != "-" && flag != "--" && !regexp.MustCompile(`(?m)(^|\s)`+shown+`\b`).MatchString(help) {
			return "it has no flag " + flag
		}
	}
	return ""
}

// TestCommands: every command in a page exists, and has the flags that the page uses.
func TestCommands(t *testing.T) {
	m := &manual{binary: harness.Binary(t), pages: make(map[string]string)}
	for _, p := range pages(t) {
		for _, words := range commandsOf(p) {
			for _, one := range alternatives(words) {
				if fault := m.fault(one); fault != "" {
					t.Errorf("%s: authserver %s: %s", p.name, strings.Join(one, " "), fault)
				}
			}
		}
	}
	for words, want := range map[string]string{
		"client list":                          "",
		"migrate force 1":                      "",
		"client create --id web --grant a":     "",
		"issuer create --require-client-auth":  "",
		"issuer create --allow-repeat":         "",
		"key list -o json":                     "",
		"frobnicate":                           "there is no such command",
		"client frobnicate":                    "there is no such command",
		"client create --id web --frobnicate":  "it has no flag --frobnicate",
		"client create --id web --gran=a -o x": "it has no flag --gran",
	} {
		if got := m.fault(strings.Fields(words)); got != want {
			t.Errorf("authserver %s: the fault is %q, want %q", words, got, want)
		}
	}
}
