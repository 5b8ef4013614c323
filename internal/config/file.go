package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readFile reads a settings file: one YAML mapping of names to values.
func readFile(name string, open func(string) ([]byte, error), read map[string]bool) (map[string]string, error) {
	content, err := open(name)
	if err != nil {
		return nil, fmt.Errorf("read the settings file that config names: %w", err)
	}
	return parseFile(name, content, read)
}

// parseFile returns the settings in a YAML file by name, or all of its faults. It checks the values
// only of settings that the command reads. A key without a value counts as not set.
func parseFile(name string, content []byte, read map[string]bool) (map[string]string, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, nil //nolint:nilnil // an empty file sets nothing
	case err != nil:
		return nil, fmt.Errorf("%s is not YAML: %w", name, err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s contains more than one YAML document: put all settings into one", name)
	}
	if len(document.Content) == 0 || document.Content[0].Tag == "!!null" {
		return nil, nil //nolint:nilnil // a file of comments sets nothing
	}
	top := document.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s must be a YAML mapping, with lines such as listen: 127.0.0.1:8080", name)
	}
	f := file{name: name, rows: Table(), read: read, values: make(map[string]string), seen: make(map[string]bool)}
	for i := 0; i+1 < len(top.Content); i += 2 {
		if err := f.add(top.Content[i], top.Content[i+1]); err != nil {
			f.faults = append(f.faults, err)
		}
	}
	return f.values, errors.Join(f.faults...)
}

type file struct {
	name   string
	rows   []Row
	read   map[string]bool // the settings whose values count
	values map[string]string
	seen   map[string]bool
	faults []error
}

func (f *file) add(key, value *yaml.Node) error {
	where := fmt.Sprintf("%s in %s:%d", key.Value, f.name, key.Line)
	row, err := f.row(key.Value, where)
	if err != nil {
		return err
	}
	if f.seen[row.Name] {
		return fmt.Errorf("%s appears twice: remove one", where)
	}
	f.seen[row.Name] = true
	if value.Kind == yaml.AliasNode {
		value = value.Alias
	}
	switch {
	case !f.read[row.Name]:
		return nil
	case value.Kind == yaml.SequenceNode && row.takesSeveral():
		return f.addSeveral(row, where, value.Content)
	case value.Kind != yaml.ScalarNode:
		return fmt.Errorf("%s must be a single value", where)
	case value.Tag == "!!null" || value.Value == "":
		return nil
	}
	f.values[row.Name] = value.Value
	return row.check(where, value.Value)
}

// addSeveral reads a YAML sequence, which means the same as its values separated by commas.
func (f *file) addSeveral(row Row, where string, values []*yaml.Node) error {
	texts := make([]string, 0, len(values))
	for _, value := range values {
		if value.Kind != yaml.ScalarNode || value.Value == "" || strings.Contains(value.Value, ",") {
			return fmt.Errorf("%s must be a list of single values", where)
		}
		texts = append(texts, value.Value)
	}
	if len(texts) > 0 {
		f.values[row.Name] = strings.Join(texts, ",")
	}
	return nil
}

// row finds the setting that a key names.
func (f *file) row(key, where string) (Row, error) {
	names := make([]string, 0, len(f.rows))
	for _, r := range f.rows {
		switch {
		case r.Name == key && r.File != "":
			return r, nil
		case r.Name == key && r.Name == "master-key":
			return Row{}, fmt.Errorf("%s: a secret does not belong there; put it into a file of its own and name that as master-key-file, or set %s", where, r.Env)
		case r.Name == key:
			return Row{}, fmt.Errorf("%s cannot be set there: use %s or %s", where, r.Flag, r.Env)
		}
		if r.File != "" {
			names = append(names, r.Name)
		}
	}
	return Row{}, fmt.Errorf("unknown setting %s: did you mean %s?", where, nearest(key, names))
}
