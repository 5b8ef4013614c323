package test

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// flagOrCommand matches the names that only the command line has for a field, a setting or an
// operation.
var flagOrCommand = regexp.MustCompile("(^|[^-!])--[a-z]|\\bauthserver [a-z]+ [a-z]|`[a-z]+ (create|list|show|update|delete|rotate)|\\bAUTHSERVER_")

// speakers are the rooms that may name flags and commands.
var speakers = []string{"internal/config", "internal/server"}

// notText are literals that go into hashes, and can never change.
var notText = []string{"authserver master key id\x00", "authserver revocation handle", "authserver refresh token\x00", "authserver authorization code\x00"}

// wordFaults finds texts of a room that name a flag or a command. The texts of a room also go to an
// HTTP interface and into logs: they use the names of fields, settings and operations, and the
// command line adds its own.
func wordFaults(s source) []string {
	if !strings.HasPrefix(s.path, "internal/") || slices.Contains(speakers, s.room()) {
		return nil
	}
	var faults []string
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(lit.Value)
		if err == nil && flagOrCommand.MatchString(text) && !slices.Contains(notText, text) {
			faults = append(faults, fmt.Sprintf("%s: %s names a flag or a command: name the field, the setting or the operation", s.path, lit.Value))
		}
		return true
	})
	return faults
}
