package admin_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"authserver/internal/admin"
)

// No interface could show a fault of a field that is not in any input.
func TestEachFieldThatIsNamedIsOneOfAnInput(t *testing.T) {
	known := map[string]bool{}
	for _, input := range []any{
		admin.NewClient{}, admin.NewResource{}, admin.NewIssuer{}, admin.UserInput{}, admin.SecretRotation{}, admin.KeyImport{},
		admin.NewAssertion{}, admin.NewDPoPProof{}, admin.EventQuery{},
	} {
		addFields(known, reflect.TypeOf(input))
	}
	known["reason"], known["algorithms"] = true, true // the only values of a revocation and of a rotation of keys
	named := 0
	for file, syntax := range sources(t) {
		ast.Inspect(syntax, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			for _, arg := range fieldArguments(call) {
				lit, ok := arg.(*ast.BasicLit)
				if !ok {
					continue
				}
				named++
				if field, err := strconv.Unquote(lit.Value); err != nil || field != "" && !known[field] {
					t.Errorf("%s: %s is no field of an input", file, lit.Value)
				}
			}
			return true
		})
	}
	if named < 80 {
		t.Errorf("only %d fields were found", named)
	}
}

// fieldArguments returns the arguments of a call that name fields.
func fieldArguments(call *ast.CallExpr) []ast.Expr {
	name := ""
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		name = fun.Name
	case *ast.SelectorExpr:
		name = fun.Sel.Name
	}
	switch {
	case len(call.Args) == 0:
		return nil
	case name == "Field", name == "fault", name == "newFault", name == "update":
		return call.Args[:1]
	case strings.HasPrefix(name, "set") || strings.HasPrefix(name, "check"):
		for i, arg := range call.Args { // after f, or the context and f
			if lit, ok := arg.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				return call.Args[i : i+1]
			}
		}
	}
	return nil
}

func addFields(to map[string]bool, input reflect.Type) {
	for i := range input.NumField() {
		member := input.Field(i)
		if field, ok := member.Tag.Lookup("field"); ok {
			to[field] = true
		} else if member.Type.Kind() == reflect.Struct {
			addFields(to, member.Type)
		}
	}
}

// sources returns the files of the room.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = syntax
	}
	return files
}
