package oauth

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

// TestCodes: every declared code is a value of the label of the metrics.
func TestCodes(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "error.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if declared++; !slices.Contains(Codes(), Code(value)) {
			t.Errorf("Codes does not return %s", value)
		}
		return true
	})
	if declared == 0 || declared != len(Codes()) {
		t.Errorf("%d codes are declared, and Codes returns %d", declared, len(Codes()))
	}
}
