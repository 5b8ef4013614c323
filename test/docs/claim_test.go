package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReservedClaims: docs/clients.md lists the names that custom claims may not have.
func TestReservedClaims(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "internal/tokens/claims.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Name.Name == "reservedClaims" {
			ast.Inspect(f, func(n ast.Node) bool {
				if e, ok := n.(ast.Expr); ok {
					if text, ok := literal(e); ok {
						want = append(want, text)
					}
				}
				return true
			})
		}
	}
	_, after, found := strings.Cut(readPage(t, "docs/clients.md").text, "These names are reserved")
	if !found || len(want) == 0 {
		t.Fatal("the names are not where they were")
	}
	list, _, _ := strings.Cut(after, "\n\n")
	var got []string
	for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(list, -1) {
		got = append(got, name[1])
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the reserved claims of the code and of docs/clients.md differ (-code +page):\n%s", diff)
	}
}
