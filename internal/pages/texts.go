package pages

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"html/template"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/mileusna/useragent"
	"go.yaml.in/yaml/v3"
)

// Texts are what pages say in one language.
type Texts struct {
	lines map[string]string // by key
}

// reference is the language with every key.
const reference = "en"

// placeholder is the place of a name in a text.
var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// HTML is the text of a key, with the values of its placeholders, such as {app}. Each value is
// isolated, so that a name in another direction of writing does not mix with the text.
func (t Texts) HTML(key string, values ...string) (template.HTML, error) {
	line, known := t.lines[key]
	if !known {
		return "", fmt.Errorf("there is no text %q in languages/%s.yaml", key, reference)
	}
	line = html.EscapeString(line)
	for i := 0; i+1 < len(values); i += 2 {
		line = strings.ReplaceAll(line, "{"+values[i]+"}", "<bdi>"+html.EscapeString(values[i+1])+"</bdi>")
	}
	return template.HTML(line), nil //nolint:gosec // each part has been escaped
}

// plain is the text of a key for places without elements, such as a title. A value is isolated by
// control characters (Unicode Standard Annex #9, §2.4).
func (t Texts) plain(key string, values ...string) (string, error) {
	line, known := t.lines[key]
	if !known {
		return "", fmt.Errorf("there is no text %q in languages/%s.yaml", key, reference)
	}
	for i := 0; i+1 < len(values); i += 2 {
		line = strings.ReplaceAll(line, "{"+values[i]+"}", "\u2068"+values[i+1]+"\u2069")
	}
	return line, nil
}

// scope is a scope in words.
func (t Texts) scope(s Scope) (template.HTML, error) {
	if s.Text != "" {
		return template.HTML(html.EscapeString(s.Text)), nil //nolint:gosec // it has been escaped
	}
	if _, known := t.lines["scope."+s.Name]; known {
		return t.HTML("scope." + s.Name)
	}
	return t.HTML("scope.other", "scope", s.Name)
}

// device describes the browser of a session, such as "Firefox on Linux".
func (t Texts) device(s AccountSession) (template.HTML, error) {
	agent := useragent.Parse(s.Device)
	system := agent.Device
	if system == "" {
		system = agent.OS
	}
	switch {
	case s.Device == "":
		return t.HTML("sessions.unknown")
	case agent.Name == "" || system == "":
		return template.HTML("<bdi>" + html.EscapeString(s.Device) + "</bdi>"), nil //nolint:gosec // it has been escaped
	}
	return t.HTML("sessions.device", "browser", agent.Name, "system", system)
}

// readTexts reads every language. A theme's file for a language that is built in has the
// texts that it changes; one for a language of its own has all of them.
func readTexts(files overlay) (map[string]Texts, error) {
	wanted, err := readLines(overlayFile{text: files.beneath(languagePath(reference)), from: languagePath(reference)})
	if err != nil {
		return nil, err
	}
	all := map[string]Texts{}
	for _, name := range files.names("languages") {
		file := files["languages/"+name]
		lines, err := readLanguage(file, wanted)
		if err != nil {
			return nil, err
		}
		texts := Texts{map[string]string{}}
		for key, line := range lines {
			texts.lines[key] = line.text
		}
		for key := range wanted {
			if _, given := texts.lines[key]; !given {
				return nil, fmt.Errorf("%s: the text %s is missing: add it", file.from, key)
			}
		}
		all[strings.TrimSuffix(name, path.Ext(name))] = texts
	}
	return all, nil
}

func languagePath(tag string) string { return "languages/" + tag + ".yaml" }

// beneath returns the built-in file.
func (l overlay) beneath(name string) []byte {
	if file := l[name]; file.themed {
		return file.beneath
	}
	return l[name].text
}

// readLanguage reads a file over the built-in one, and checks its keys and placeholders.
func readLanguage(file overlayFile, wanted map[string]yamlLine) (map[string]yamlLine, error) {
	lines := map[string]yamlLine{}
	if file.beneath != nil {
		var err error
		if lines, err = readLines(overlayFile{text: file.beneath, from: path.Base(file.from)}); err != nil {
			return nil, err
		}
	}
	own, err := readLines(file)
	if err != nil {
		return nil, err
	}
	for key, line := range own {
		original, known := wanted[key]
		if !known {
			return nil, fmt.Errorf("%s:%d: no text of this version is called %s: remove it, or see languages/%s.yaml for its new name", file.from, line.number, key, reference)
		}
		if has, want := placeholders(line.text), placeholders(original.text); !slices.Equal(has, want) {
			return nil, fmt.Errorf("%s:%d: the text %s has the placeholders %s: it must have %s", file.from, line.number, key, listed(has), listed(want))
		}
		lines[key] = line
	}
	return lines, nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return "(none)"
	}
	return strings.Join(names, " ")
}

// placeholders of a text, sorted, each once.
func placeholders(text string) []string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

type yamlLine struct {
	text   string
	number int
}

// readLines reads a YAML file of keys and texts.
func readLines(file overlayFile) (map[string]yamlLine, error) {
	var document yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(file.text)).Decode(&document); err != nil {
		return nil, fmt.Errorf("%s: %w", file.from, err)
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New(file.from + `:1: it has to be lines such as login.submit: "Sign in"`)
	}
	lines := map[string]yamlLine{}
	pairs := document.Content[0].Content
	for i := 0; i+1 < len(pairs); i += 2 {
		key, value := pairs[i], pairs[i+1]
		if value.Kind != yaml.ScalarNode || strings.TrimSpace(value.Value) == "" {
			return nil, fmt.Errorf("%s:%d: %s has no text: write one in quotes", file.from, value.Line, key.Value)
		}
		if _, twice := lines[key.Value]; twice {
			return nil, fmt.Errorf("%s:%d: %s is given twice: remove one", file.from, key.Line, key.Value)
		}
		lines[key.Value] = yamlLine{value.Value, key.Line}
	}
	return lines, nil
}
