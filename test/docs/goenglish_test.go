package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// TestPlainEnglishInGo: the rules of documents also apply to comments, texts and the names of
// tests.
func TestPlainEnglishInGo(t *testing.T) {
	read := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && len(d.Name()) > 2 && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" || d.Name() == "english_test.go" { // it contains the phrases
			return nil
		}
		read++
		faults, err := clumsyInGo(path, nil)
		for _, fault := range faults {
			t.Error(fault)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if read < 500 {
		t.Errorf("%d files of Go were read, want all of them", read)
	}
}

// clumsyInGo returns the phrases of a Go file that should be written in another way. If source is
// nil, it reads the file.
func clumsyInGo(path string, source any) ([]string, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var faults []string
	look := func(at token.Pos, text string) {
		for _, fault := range clumsyIn(quotation.ReplaceAllString(text, "…")) {
			faults = append(faults, fmt.Sprintf("%s: %s", files.Position(at), fault))
		}
	}
	for _, comment := range file.Comments {
		look(comment.Pos(), comment.Text())
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			look(n.Name.Pos(), spaced(n.Name.Name))
		case *ast.BasicLit:
			// A string of one word is a value, such as the id of a client, instead of prose.
			if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING && strings.Contains(text, " ") {
				look(n.Pos(), text)
			}
		}
		return true
	})
	return faults, nil
}

// quotation matches the words of others, such as an RFC, and code.
var quotation = regexp.MustCompile("\"[^\"]*\"|“[^”]*”|`[^`]*`")

// spaced returns the words of a name in Go.
func spaced(name string) string {
	var words strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			words.WriteByte(' ')
		}
		words.WriteRune(r)
	}
	return words.String()
}
