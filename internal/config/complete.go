package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Mode is the use of the settings.
type Mode int

// The modes.
const (
	// Serve is production: no important setting has a default.
	Serve Mode = iota
	// Dev serves out of the directory .authserver, with plain http.
	Dev
	// Command works on a database and does not serve. Missing settings stay empty, and without a
	// database URL it works on the database of dev.
	Command
)

// group is a struct of settings that have the same reader.
type group interface {
	// complete fills in what the mode implies, reads the files that hold secrets, and
	// returns all faults.
	complete(c *completion) []error
}

// completion has what a group needs in addition to its own settings.
type completion struct {
	mode     Mode
	readFile func(name string) ([]byte, error)
	onDev    bool // the database is the one that dev makes, or the server is that of dev
}

// Complete fills in what the mode implies and reads the secrets from their files, so that
// DatabaseURL and MasterKey have their final values. settings points to a group, or to a struct
// that embeds groups; only these are completed and checked. The error joins all faults. Each names
// the setting and what to do, and none contains a secret.
//
// In dev, and for a command on the database of dev, a missing master key file is no fault:
// MasterKey is empty then, and MasterKeyFile is the path for a new one.
func Complete(settings any, mode Mode, readFile func(name string) ([]byte, error)) error {
	groups := groupsOf(reflect.ValueOf(settings).Elem())
	c := completion{mode: mode, readFile: readFile, onDev: mode == Dev}
	if database := find[*Database](groups); database != nil && mode == Command {
		c.onDev = !database.chosen()
	}
	var faults []error
	for _, g := range groups {
		faults = append(faults, g.complete(&c)...)
	}
	return errors.Join(append(faults, crossCheck(groups)...)...)
}

// crossCheck checks the settings of two groups against each other.
func crossCheck(groups []group) (faults []error) {
	if resources, tokens := find[*NewResources](groups), find[*AccessTokens](groups); resources != nil && tokens != nil {
		faults = append(faults, resources.checkWithin(*tokens))
	}
	if identity, ops := find[*Identity](groups), find[*Ops](groups); identity != nil && ops != nil {
		faults = append(faults, ops.checkApart(*identity))
	}
	return present(faults...)
}

// groupsOf returns the groups that a struct embeds, or the struct itself if it is one. Embedded
// groups come first, because the struct also has the methods of a single embedded group.
func groupsOf(settings reflect.Value) []group {
	var found []group
	for i := range settings.NumField() {
		if field := settings.Type().Field(i); field.Anonymous && field.Type.Kind() == reflect.Struct {
			found = append(found, groupsOf(settings.Field(i))...)
		}
	}
	if len(found) > 0 {
		return found
	}
	if g, ok := settings.Addr().Interface().(group); ok {
		return []group{g}
	}
	return nil
}

// find returns the group of a type; nil: there is none.
func find[G group](groups []group) (none G) {
	for _, g := range groups {
		if found, ok := g.(G); ok {
			return found
		}
	}
	return none
}

// readSecret reads a secret, without the space around it.
func readSecret(setting, name string, readFile func(string) ([]byte, error)) (Secret, error) {
	content, err := readFile(name)
	_, notAKey := ParseMasterKey(name)
	switch {
	case err == nil:
	case notAKey == nil, strings.Contains(name, ":/"): // the error would repeat it
		return Secret{}, fmt.Errorf("%s is the secret itself and has to be the name of a file: put the secret into a file and name that", setting)
	default:
		return Secret{}, fmt.Errorf("%s cannot be read: %w", setting, err)
	}
	text := strings.TrimSpace(string(content))
	if text == "" {
		return Secret{}, fmt.Errorf("%s names %s, which is empty: put the secret into it", setting, name)
	}
	return NewSecret(text), nil
}
