package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"authserver/internal/keys/keyfiles"
	"authserver/internal/trust/assertions"
)

// maxInput bounds the content of a file or of standard input.
const maxInput = 1 << 20

// readText reads a file of settings, or one that holds a secret.
func readText(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return keyfiles.Text(data)
}

// read returns the content of a file, or of standard input for "-".
func (p *process) read(flag, name string) ([]byte, error) {
	from := p.stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, usage("%s: %w", flag, err)
		}
		defer file.Close()
		from = file
	}
	data, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	if len(data) > maxInput {
		return nil, usage("%s: it is larger than %d bytes", flag, maxInput)
	}
	if data, err = keyfiles.Text(data); err != nil {
		return nil, usage("%s: %w", flag, err)
	}
	return data, nil
}

// secret reads a secret. A final newline, which editors and echo add, is not part
// of it. A person types it in one line.
func (p *process) secret(flag, name string) (string, error) {
	var data []byte
	var err error
	if terminal, typing := p.terminal(); name == "-" && typing {
		data, err = p.typed(terminal, flag)
	} else {
		data, err = p.read(flag, name)
	}
	if err != nil {
		return "", err
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" {
		return "", usage("%s: the secret is empty", flag)
	}
	return text, nil
}

// readOrClear reads the file of a flag. It returns nil if the flag is not given, and an empty
// result that is not nil if the name is empty, which clears the value.
func (p *process) readOrClear(flag string, name *string, wanted keyfiles.Wanted) ([]byte, error) {
	switch {
	case name == nil:
		return nil, nil
	case *name == "":
		return []byte{}, nil
	}
	data, err := p.read(flag, *name)
	if err == nil && len(bytes.TrimSpace(data)) == 0 { // a failed download clears nothing
		return nil, usage("%s: the file is empty: give an empty name, %s '', to take away what is there", flag, flag)
	}
	return p.wantedKeys(flag, data, wanted, err)
}

// readKeys reads a file of keys in JSON.
func (p *process) readKeys(flag, name string, wanted keyfiles.Wanted) ([]byte, error) {
	data, err := p.read(flag, name)
	return p.wantedKeys(flag, data, wanted, err)
}

// wantedKeys refuses a content of another kind.
func (*process) wantedKeys(flag string, data []byte, wanted keyfiles.Wanted, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	if err := keyfiles.Check(data, wanted); err != nil {
		return nil, usage("%s: %w", flag, err)
	}
	return data, nil
}

// readPrivateKey reads a private key, with the members of a JWK.
func (p *process) readPrivateKey(flag, name string) (assertions.SigningKey, error) {
	data, err := p.read(flag, name)
	if err != nil {
		return assertions.SigningKey{}, err
	}
	key, err := assertions.ParsePrivateKey(data)
	if err != nil {
		return key, usage("%s: %w", flag, err)
	}
	return key, nil
}

// sharedSecret reads a shared secret from --secret-file, and refuses a private or public key.
func (p *process) sharedSecret(name string) (string, error) {
	const flag = "--secret-file"
	secret, err := p.secret(flag, name)
	if err != nil {
		return "", err
	}
	if err := keyfiles.Check([]byte(secret), keyfiles.Secret); err != nil {
		return "", usage("%s: %w", flag, err)
	}
	return secret, nil
}

// readCertificates reads files of certificates, and returns each in DER.
func (p *process) readCertificates(flag string, names []string) ([][]byte, error) {
	files, err := p.readAll(flag, names)
	if files == nil {
		return nil, err
	}
	ders := [][]byte{}
	for _, file := range files {
		found, err := assertions.ParseCertificates(file)
		if err != nil {
			return nil, usage("%s: %w", flag, err)
		}
		ders = append(ders, found...)
	}
	return ders, nil
}

// readAll reads the files of a flag that repeats, as [list] reads words.
func (p *process) readAll(flag string, names []string) ([][]byte, error) {
	if names == nil {
		return nil, nil
	}
	files := [][]byte{}
	for _, name := range list(names) {
		data, err := p.read(flag, name)
		if err != nil {
			return nil, err
		}
		files = append(files, data)
	}
	return files, nil
}

// list returns the values of a repeated flag: nil if it was not given, and an empty list if its
// only value is empty, which clears it.
func list(values []string) []string { return listOf[string](values) }

// listOf is list for values of a kind.
func listOf[T ~string](values []string) []T {
	if values == nil {
		return nil
	}
	given := make([]T, 0, len(values))
	for _, v := range values {
		if v != "" {
			given = append(given, T(v))
		}
	}
	return given
}

// words is list for values in which a space separates several.
func words(values []string) []string {
	if values == nil {
		return nil
	}
	given := []string{}
	for _, v := range values {
		given = append(given, strings.Fields(v)...)
	}
	return given
}

// pairs reads name=value pairs of a flag, which are to be written in a form.
func pairs(flag, form string, values []string) (map[string]string, error) {
	if values == nil {
		return nil, nil //nolint:nilnil // nil means that none were given
	}
	read := make(map[string]string, len(values))
	for _, pair := range list(values) {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" || value == "" {
			return nil, usage("%s %q: write %s", flag, pair, form)
		}
		if _, twice := read[name]; twice {
			return nil, usage("%s: %q is given twice", flag, name)
		}
		read[name] = value
	}
	return read, nil
}

// claims reads name=value pairs. A value that is JSON is read as JSON (true, 7, ["a"], "7"), any
// other as a string.
func claims(pairs []string) (map[string]any, error) {
	if pairs == nil {
		return nil, nil //nolint:nilnil // nil means that none were given
	}
	read := make(map[string]any, len(pairs))
	for _, pair := range list(pairs) {
		name, text, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usage("--claim %q: write NAME=VALUE", pair)
		}
		if _, twice := read[name]; twice {
			return nil, usage("--claim: %q is given twice", name)
		}
		read[name] = value(text)
	}
	return read, nil
}

func value(text string) any {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return text
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return text
	}
	return v
}

// toggle returns what --enabled and --disabled say, each of which may be given
// =false, or nil for neither.
func toggle(disabled, enabled *bool) *bool {
	if disabled != nil || enabled == nil {
		return disabled
	}
	negated := !*enabled
	return &negated
}

// Consent is embedded by commands that cannot be undone.
type Consent struct {
	Yes bool `help:"Do not ask."`
}

// ask shows the consequences. Without --yes the command continues only after y or yes.
func (c Consent) ask(p *process, what string) error {
	if c.Yes {
		return nil
	}
	fmt.Fprintf(p.stderr, "%s\nGo on? [y/N] ", what)
	answer, err := bufio.NewReader(io.LimitReader(p.stdin, 100)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.New("nothing was changed: answer y, or give --yes")
}
