package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCommand prints a script with which a shell calls completeCommand.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

func (c *completionCommand) Run(p *process) error {
	script := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell]
	_, err := fmt.Fprint(p.stdout, script)
	return err
}

const bashCompletion = `_authserver() {
  local IFS=$'\n' typed=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "${typed#=}"))
}
complete -o default -F _authserver authserver
`

const zshCompletion = `#compdef authserver
_authserver() {
  local -a candidates
  candidates=(${(f)"$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( $#candidates )); then compadd -- $candidates; else _files; fi
}
compdef _authserver authserver
`

const fishCompletion = `function __authserver_complete
  set -l words (commandline -opc)
  set -l candidates ($words[1] complete -- $words[2..-1] (commandline -ct) 2>/dev/null)
  if set -q candidates[1]
    printf '%s\n' $candidates
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c authserver -f -a '(__authserver_complete)'
`

// completeCommand prints the words that may replace the last one.
type completeCommand struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

func (c *completeCommand) Run(p *process) error {
	parser, err := newParser(p.stdout, p.stderr, nil, func(int) {})
	if err != nil {
		return err
	}
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	for _, word := range candidates(parser.Model.Node, words) {
		fmt.Fprintln(p.stdout, word)
	}
	return nil
}

// candidates returns the words that may replace the last one: commands, flags or values, as far as
// they are known. Without a result the shell may offer files.
func candidates(node *kong.Node, words []string) []string {
	if len(words) == 0 {
		words = []string{""}
	}
	before, last := words[:len(words)-1], words[len(words)-1]
	var value *kong.Flag // whose value comes next
	for _, word := range before {
		switch {
		case word == "=": // bash divides --output=json there
		case word == "help" && node.Parent == nil: // a command name follows
		case value != nil:
			value = nil
		case strings.HasPrefix(word, "-"):
			value = valued(node, word)
		default:
			if child := childOf(node, word); child != nil {
				node = child
			}
		}
	}
	flag, begun, assigned := strings.Cut(last, "=")
	switch {
	case last == "=":
		last = ""
	case assigned && valued(node, flag) != nil: // one word, as zsh and fish have it
		return matching(valued(node, flag).EnumSlice(), begun, flag+"=")
	}
	var found []string
	switch {
	case value != nil:
		found = value.EnumSlice()
	case strings.HasPrefix(last, "-"):
		found = flagsOf(node)
	default:
		for _, child := range node.Children {
			if !child.Hidden {
				found = append(found, child.Name)
			}
		}
		if len(node.Positional) > 0 {
			found = append(found, node.Positional[0].EnumSlice()...)
		}
	}
	return matching(found, last, "")
}

// flagsOf are the flags of a command, and the opposites of those that have one.
func flagsOf(node *kong.Node) []string {
	var found []string
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			found = append(found, "--"+f.Name)
			if f.Tag.Negatable != "" {
				found = append(found, "--no-"+f.Name)
			}
		}
	}
	return found
}

// matching are the words that continue the typed prefix, in order.
func matching(words []string, typed, after string) []string {
	var found []string
	for _, word := range words {
		if word != "" && strings.HasPrefix(word, typed) {
			found = append(found, after+word)
		}
	}
	slices.Sort(found)
	return found
}

// valued returns the flag of a word that takes the next word as its value, or nil.
func valued(node *kong.Node, word string) *kong.Flag {
	for _, group := range node.AllFlags(false) {
		for _, f := range group {
			if (word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short)) && !f.IsBool() {
				return f
			}
		}
	}
	return nil
}

func childOf(node *kong.Node, name string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}
