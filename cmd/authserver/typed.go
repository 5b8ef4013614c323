package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"
)

// terminal returns standard input if a person types it.
func (p *process) terminal() (*os.File, bool) {
	file, ok := p.stdin.(*os.File)
	return file, ok && term.IsTerminal(int(file.Fd()))
}

// typed asks for a line on the terminal, which does not show it.
func (p *process) typed(terminal *os.File, prompt string) ([]byte, error) {
	fd := int(terminal.Fd())
	shown, err := term.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("read the state of the terminal: %w", err)
	}
	fmt.Fprintf(p.stderr, "%s (what you type is not shown): ", prompt)
	defer fmt.Fprintln(p.stderr)
	type line struct {
		text []byte
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		read <- line{text, err}
	}()
	select {
	case l := <-read:
		return l.text, l.err
	case <-p.ctx.Done(): // with Ctrl-C
		_ = term.Restore(fd, shown)
		return nil, errors.New("interrupted, and nothing was changed")
	}
}

// newPassword reads a password for --password-stdin. A person types it twice.
func (p *process) newPassword() (string, error) {
	const flag = "--password-stdin"
	password, err := p.secret(flag, "-")
	terminal, typing := p.terminal()
	if err != nil || !typing {
		return password, err
	}
	again, err := p.typed(terminal, flag+" again")
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	if string(again) != password {
		return "", usage("%s: the two passwords are not the same", flag)
	}
	return password, nil
}
