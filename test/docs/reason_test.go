package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// refusal is a way in which the code refuses.
type refusal struct {
	code   string
	status int
	audit  bool // the log line has "audit":true
}

// statuses are those of internal/web/errors.go, for codes and for errors with a status of their
// own.
var (
	statuses = map[string]int{"invalid_client": 401, "invalid_token": 401, "insufficient_scope": 403, "temporarily_unavailable": 503, "server_error": 500}
	own      = map[string]int{"StatusForbidden": 403, "StatusNotFound": 404, "StatusRequestTimeout": 408, "StatusTooManyRequests": 429, "StatusMethodNotAllowed": 405, "StatusRequestEntityTooLarge": 413}
)

// reader finds the reasons that the code passes to oauth.Fail: in calls of it, and through
// functions that pass a parameter named reason on to it.
type reader struct {
	t        *testing.T
	files    map[string][]*ast.File // by folder
	codes    map[string]string      // by the name of the constant
	refusals map[string][]refusal   // by reason
}

func readReasons(t *testing.T) map[string][]refusal {
	t.Helper()
	r := &reader{t: t, files: make(map[string][]*ast.File), codes: make(map[string]string), refusals: make(map[string][]refusal)}
	err := filepath.WalkDir(filepath.Join(root, "internal"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		r.files[filepath.Dir(path)] = append(r.files[filepath.Dir(path)], file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range r.files[filepath.Join(root, "internal/oauth")] {
		r.readCodes(file)
	}
	for _, files := range r.files {
		wrappers := map[string]refusal{}
		r.each(files, wrappers)
		for _, file := range files {
			r.readCalls(file, wrappers)
		}
	}
	return r.refusals
}

// readCodes reads the constants of the type Code.
func (r *reader) readCodes(file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || named(spec.Type) != "Code" {
			return true
		}
		if text, ok := literal(spec.Values[0]); ok {
			r.codes[spec.Names[0].Name] = text
		}
		return true
	})
}

// each finds the wrappers of a package, with their refusals by name.
func (r *reader) each(files []*ast.File, wrappers map[string]refusal) {
	for _, file := range files {
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || !hasReason(f) {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && isFail(call) && named(call.Args[1]) == "reason" {
					wrappers[f.Name.Name] = r.refusal(named(call.Args[0]), 0)
				}
				return true
			})
		}
	}
}

func (r *reader) readCalls(file *ast.File, wrappers map[string]refusal) {
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		_, wraps := wrappers[f.Name.Name]
		status := 0
		marked := map[ast.Expr]bool{} // by ForAudit
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if named(n.Type) == "statusError" && len(n.Elts) > 0 {
					status = own[named(n.Elts[0])]
				}
			case *ast.CallExpr:
				wrapper, wrapped := wrappers[named(n.Fun)]
				wrapper.audit = marked[n]
				if of, ok := n.Fun.(*ast.SelectorExpr); ok && of.Sel.Name == "ForAudit" {
					marked[of.X] = true
				}
				switch {
				case isFail(n) && !wraps:
					as := r.refusal(named(n.Args[0]), status)
					as.audit = marked[n]
					r.add(f, n.Args[1], as)
				case wrapped:
					r.add(f, n.Args[0], wrapper)
				}
			}
			return true
		})
	}
}

// add adds a reason: a literal, or a variable with each literal that is assigned to it.
func (r *reader) add(f *ast.FuncDecl, reason ast.Expr, as refusal) {
	if text, ok := literal(reason); ok {
		r.refusals[text] = append(r.refusals[text], as)
		return
	}
	variable, found := named(reason), false
	ast.Inspect(f, func(n ast.Node) bool {
		assign, ok := n.(*ast.AssignStmt)
		if !ok {
			return true
		}
		for i, to := range assign.Lhs {
			if named(to) != variable || i >= len(assign.Rhs) {
				continue
			}
			if text, ok := literal(assign.Rhs[i]); ok {
				r.refusals[text] = append(r.refusals[text], as)
				found = true
			}
		}
		return true
	})
	if !found {
		r.t.Errorf("%s: a reason is neither a literal nor a variable that is given some", f.Name.Name)
	}
}

func (r *reader) refusal(constant string, status int) refusal {
	code, ok := r.codes[constant]
	if !ok {
		r.t.Errorf("%s is not a code", constant)
	}
	if status == 0 {
		status = statuses[code]
	}
	if status == 0 {
		status = 400
	}
	return refusal{code: code, status: status}
}

func hasReason(f *ast.FuncDecl) bool {
	for _, field := range f.Type.Params.List {
		if len(field.Names) > 0 && field.Names[0].Name == "reason" {
			return f.Name.Name != "Fail"
		}
	}
	return false
}

func isFail(call *ast.CallExpr) bool { return named(call.Fun) == "Fail" && len(call.Args) == 3 }

// named returns the last name of an expression such as oauth.Fail.
func named(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// TestReasons: docs/errors.md has each reason of the code with its error code and status, and
// whether it is marked for the audit, and no others.
func TestReasons(t *testing.T) {
	found := readReasons(t)
	for _, known := range []string{"refresh_reused", "client_proof", "password_wrong", "assertion_replayed", "repeated_parameter", "no_such_endpoint", "busy"} {
		if len(found[known]) == 0 {
			t.Errorf("the reason %s was not found in the code: is it read rightly?", known)
		}
	}
	seen := make(map[string]bool)
	for _, row := range readPage(t, "docs/errors.md").rows("reason") {
		if len(row) != 5 {
			t.Errorf("docs/errors.md: a row has %d cells, want 5: %v", len(row), row)
			continue
		}
		reason, code := row[0], row[1]
		status, err := strconv.Atoi(row[2])
		if err != nil {
			t.Errorf("docs/errors.md: %s has the status %q", reason, row[2])
		}
		if seen[reason] {
			t.Errorf("docs/errors.md has %s twice", reason)
		}
		seen[reason] = true
		if !slices.Contains(found[reason], refusal{code, status, strings.Contains(row[3], `"audit":true`)}) {
			t.Errorf("docs/errors.md: %s is %v there, and %v in the code", reason, row, found[reason])
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(found)) {
		if !seen[reason] {
			t.Errorf("docs/errors.md lacks %s: %v", reason, found[reason])
		}
	}
}
