package testkit

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Constants returns the values of the text constants that a file of Go declares with a type; the
// type "" is that of constants without one. It fails the test if there is none.
func Constants(t testing.TB, file, typ string) []string {
	t.Helper()
	syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(syntax, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		name := ""
		if of, ok := spec.Type.(*ast.Ident); ok {
			name = of.Name
		}
		literal, ok := spec.Values[0].(*ast.BasicLit)
		if !ok || name != typ {
			return true
		}
		value, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, value)
		return true
	})
	if len(values) == 0 {
		t.Fatalf("%s declares no constant of the type %q", file, typ)
	}
	return values
}

// CheckListed fails the test unless listed has exactly the values of the text constants that a file
// of Go declares with a type.
func CheckListed[S ~string](t testing.TB, file, typ string, listed []S) {
	t.Helper()
	var texts []string
	for _, value := range listed {
		texts = append(texts, string(value))
	}
	declared := Constants(t, file, typ)
	slices.Sort(texts)
	slices.Sort(declared)
	if diff := cmp.Diff(declared, texts); diff != "" {
		t.Errorf("the list of type %s differs from %s (-declared +listed):\n%s", typ, file, diff)
	}
}
