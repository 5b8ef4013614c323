package store_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"authserver/internal/store"
)

// TestEventTypes: every declared type can be selected in the audit.
func TestEventTypes(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != "EventType" {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if declared++; !slices.Contains(store.EventTypes(), store.EventType(value)) {
			t.Errorf("EventTypes does not return %s", value)
		}
		return true
	})
	if declared == 0 || declared != len(store.EventTypes()) {
		t.Errorf("%d types are declared, and EventTypes returns %d", declared, len(store.EventTypes()))
	}
}
