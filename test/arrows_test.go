// Package test holds the rules of the house: which room may import which, and which habits the code
// must not have. The rooms below test the program from outside.
package test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const module = "authserver"

// The largest number of lines of a file: in the rooms, and in bench and test, where tables of cases
// take more.
const (
	longestFile    = 300
	longestOutside = 600
)

// all means every room of the house except cmd, bench and test.
const all = "*"

// arrows lists which of our rooms a room may import. A room that is not listed may not exist: add
// it here, and to the table of ARCHITECTURE.md. Tests are free, because they may use the real parts
// of any room.
var arrows = map[string][]string{
	"cmd/authserver":              {"internal/config", "internal/server", "internal/admin", "internal/keys", "internal/keys/keyfiles", "internal/keys/sealing", "internal/oauth", "internal/pages", "internal/store", "internal/trust/assertions"},
	"internal/server":             {all},
	"internal/admin":              {"internal/events", "internal/oauth", "internal/store", "internal/passwords", "internal/keys", "internal/tokens", "internal/trust/assertions", "internal/trust/certificates", "internal/jose", "internal/encryption", "internal/keys/keyfiles", "internal/keys/sealing", "internal/trust/remotekeys"},
	"internal/handlers":           {"internal/events", "internal/passwords", "internal/attempts", "internal/admission", "internal/trust/dpop", "internal/oauth", "internal/authorize", "internal/clientauth", "internal/trust/certificates", "internal/grants", "internal/logins", "internal/oidc", "internal/sessions", "internal/tokens", "internal/keys", "internal/pages", "internal/store", "internal/telemetry", "internal/web"},
	"internal/demo":               {"internal/oauth", "internal/pages", "internal/web"},
	"internal/web":                {"internal/attempts", "internal/admission", "internal/oauth", "internal/pages", "internal/passwords", "internal/store", "internal/telemetry"},
	"internal/grants":             {"internal/attempts", "internal/oauth", "internal/logins", "internal/tokens", "internal/trust/assertions", "internal/jose", "internal/store"},
	"internal/authorize":          {"internal/jose", "internal/oauth", "internal/oidc", "internal/sessions", "internal/store", "internal/tokens"},
	"internal/oidc":               {"internal/encryption", "internal/parsed", "internal/jose", "internal/keys", "internal/oauth", "internal/store", "internal/tokens"},
	"internal/sessions":           {"internal/store", "internal/tokens"},
	"internal/logins":             {"internal/attempts", "internal/oauth", "internal/passwords", "internal/store"},
	"internal/trust/assertions":   {"internal/jose", "internal/keys/keyfiles", "internal/oauth", "internal/parsed", "internal/trust/remotekeys", "internal/store"},
	"internal/trust/certificates": {"internal/jose", "internal/store"},
	"internal/clientauth":         {"internal/attempts", "internal/oauth", "internal/trust/assertions", "internal/trust/certificates", "internal/jose", "internal/parsed", "internal/trust/remotekeys", "internal/store"},
	"internal/tokens":             {"internal/admission", "internal/oauth", "internal/jose", "internal/encryption", "internal/keys", "internal/parsed", "internal/store"},
	"internal/keys":               {"internal/events", "internal/jose", "internal/keys/keyfiles", "internal/keys/sealing", "internal/keys/signers", "internal/store"},
	"internal/keys/sealing":       {"internal/store"},
	"internal/store":              {"internal/oauth"},
	"internal/store/postgres":     {"internal/events", "internal/bcp195", "internal/store", "internal/oauth", "migrations"},
	"internal/store/sqlite":       {"internal/events", "internal/store", "internal/oauth", "migrations"},
	"internal/events":             {"internal/store"},
	"internal/store/storetest":    {"internal/store", "internal/oauth"},
	"internal/trust/dpop":         {"internal/jose"},
	"verifier":                    {"internal/bcp195", "internal/jose", "internal/trust/dpop", "internal/trust/remotekeys"},
	"examples/resourceserver":     {"verifier"},
	"internal/parsed":             {},
	"internal/encryption":         {"internal/jose"},
	"internal/jose":               {},
	"internal/keys/keyfiles":      {},
	"internal/trust/remotekeys":   {"internal/bcp195", "internal/jose"},
	"internal/bcp195":             {},
	"internal/oauth":              {},
	"internal/pages":              {},
	"internal/admission":          {},
	"internal/keys/keepers":       {"internal/bcp195"},
	"internal/keys/pkcs11":        {},
	"internal/keys/signers":       {},
	"internal/attempts":           {"internal/events", "internal/store"},
	"internal/passwords":          {},
	"internal/config":             {},
	"internal/telemetry":          {},
	"internal/testkit":            {}, // only for tests, to which this table does not apply
	"migrations":                  {},
	"api":                         {},
}

// bans list which rooms may import a package, or which may not.
var bans = []struct {
	imports string   // a package and all below it
	only    []string // the only rooms that may; nil: all except those of not
	not     []string
	why     string
}{
	{"database/sql", []string{"internal/store/postgres", "internal/store/sqlite", "migrations"}, nil, "SQL is the engines'"},
	{"github.com/jackc/pgx", []string{"internal/store/postgres", "migrations"}, nil, "SQL is the engines'"},
	{"modernc.org/sqlite", []string{"internal/store/sqlite", "migrations"}, nil, "SQL is the engines'"},
	{"github.com/golang-migrate/migrate", []string{"internal/store/postgres", "internal/store/sqlite", "migrations"}, nil, "migrations are the engines'"},
	{"github.com/hashicorp/vault", []string{"internal/keys/keepers"}, nil, "every other room is given a keeper"},
	{"gocloud.dev", []string{"internal/keys/keepers"}, nil, "it links gRPC and OpenTelemetry, which only builds with the tag cloudkms need"},
	{"github.com/ThalesGroup/crypto11", []string{"internal/keys/pkcs11"}, nil, "C code is linked in by the tag of that room alone"},
	{"github.com/miekg/pkcs11", []string{"internal/keys/pkcs11"}, nil, "C code is linked in by the tag of that room alone"},
	{
		"net/http", nil, []string{
			"internal/oauth", "internal/store", "internal/store/postgres", "internal/store/sqlite", "internal/keys",
			"internal/authorize", "internal/oidc", "internal/sessions", "internal/logins", "internal/tokens", "internal/grants", "internal/clientauth", "internal/attempts", "internal/passwords", "internal/jose", "internal/encryption", "internal/trust/assertions", "internal/trust/certificates", "internal/trust/dpop",
		}, "what touches a request is in internal/web and internal/handlers, and every other room gets values",
	},
}

// source is a file as the rules see it.
type source struct {
	path   string // slash-separated, from the root of the repository
	lines  int
	syntax *ast.File
}

func (s source) room() string      { return path.Dir(s.path) }
func (s source) isTest() bool      { return strings.HasSuffix(s.path, "_test.go") }
func (s source) isGenerated() bool { return ast.IsGenerated(s.syntax) }

// isOutside reports whether the file is in bench or test, which use the house and are not part of
// it.
func (s source) isOutside() bool {
	return strings.HasPrefix(s.path, "bench/") || strings.HasPrefix(s.path, "test/")
}

func (s source) imports() []string {
	var paths []string
	for _, i := range s.syntax.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			p = i.Path.Value
		}
		paths = append(paths, p)
	}
	return paths
}

// house is every Go file of the module.
type house []source

func (h house) add(file string, text []byte) (house, error) {
	syntax, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return h, err
	}
	return append(h, source{path: file, lines: strings.Count(string(text), "\n"), syntax: syntax}), nil
}

// readHouse reads the module at root, without folders that have a go.mod of their own or that the
// go command ignores.
func readHouse(root string) (house, error) {
	var h house
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return enter(root, file, entry)
		}
		if filepath.Ext(file) != ".go" {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		h, err = h.add(filepath.ToSlash(name), text)
		return err
	})
	return h, err
}

func enter(root, dir string, entry fs.DirEntry) error {
	if dir == root {
		return nil
	}
	name := entry.Name()
	if name[0] == '.' || name[0] == '_' || name == "testdata" || name == "node_modules" {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

// faults returns the violations of the rules, sorted.
func (h house) faults() []string {
	var faults []string
	for _, rule := range []func(source) []string{arrowFaults, banFaults, habitFaults, lengthFaults, voidFaults, issueFaults, wordFaults} {
		for _, s := range h {
			if !s.isTest() {
				faults = append(faults, rule(s)...)
			}
		}
	}
	faults = append(faults, h.docFaults()...)
	faults = append(faults, h.nounFaults()...)
	slices.Sort(faults)
	return faults
}

func arrowFaults(s source) []string {
	if s.isOutside() {
		return nil
	}
	allowed, listed := arrows[s.room()]
	if !listed {
		return []string{fmt.Sprintf("%s: room %s is not in the table of test/arrows_test.go", s.path, s.room())}
	}
	var faults []string
	for _, p := range s.imports() {
		room, ours := strings.CutPrefix(p, module+"/")
		if !ours || slices.Contains(allowed, room) || slices.Contains(allowed, all) && isInner(room) {
			continue
		}
		faults = append(faults, fmt.Sprintf("%s: %s may not import %s", s.path, s.room(), room))
	}
	return faults
}

// isInner reports whether a room may be wired together with the others.
func isInner(room string) bool {
	_, listed := arrows[room]
	return listed && !strings.HasPrefix(room, "cmd/") && !slices.Contains([]string{"internal/store/storetest", "verifier", "examples/resourceserver"}, room)
}

func banFaults(s source) []string {
	if s.isOutside() {
		return nil
	}
	var faults []string
	for _, ban := range bans {
		mayNot := slices.Contains(ban.not, s.room()) || ban.only != nil && !slices.Contains(ban.only, s.room())
		for _, p := range s.imports() {
			if mayNot && (p == ban.imports || strings.HasPrefix(p, ban.imports+"/")) {
				faults = append(faults, fmt.Sprintf("%s: %s may not import %s: %s", s.path, s.room(), p, ban.why))
			}
		}
	}
	return faults
}

// habitFaults finds code that connects parts in a hidden way. A middleware of net/http can reach
// its handler only by the context, so the verifier may use it.
func habitFaults(s source) []string {
	var faults []string
	for _, d := range s.syntax.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			faults = append(faults, s.path+": func init: wire it in internal/server/wire.go")
		}
	}
	if s.room() == "internal/telemetry" || s.room() == "verifier" || !slices.Contains(s.imports(), "context") {
		return faults
	}
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "WithValue" {
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "context" {
				faults = append(faults, s.path+": context.WithValue: pass it as a parameter; the request id alone travels so, in internal/telemetry")
			}
		}
		return true
	})
	return faults
}

func lengthFaults(s source) []string {
	longest := longestFile
	if s.isOutside() {
		longest = longestOutside
	}
	if s.lines <= longest || s.isGenerated() {
		return nil
	}
	return []string{fmt.Sprintf("%s: %d lines: a file is one noun or verb, of at most %d", s.path, s.lines, longest)}
}

// voids is the only file that decides what a revocation voids, because it knows how long to keep
// the revocation.
const voids = "internal/tokens/revoker.go"

// voidFaults finds code outside of that file that voids tokens.
func voidFaults(s source) []string {
	if s.isOutside() || s.path == voids || s.room() == "internal/store/storetest" {
		return nil
	}
	var faults []string
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		made, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		if sel, ok := made.Type.(*ast.SelectorExpr); ok && sel.Sel.Name == "Void" {
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "store" {
				faults = append(faults, s.path+": store.Void is made in "+voids+" alone, which knows how long it has to be kept")
			}
		}
		return true
	})
	return faults
}

// issues is the only file that makes access tokens, so that no grant can forget a common step.
const issues = "internal/grants/issue.go"

// issueFaults finds a grant that builds or mints an access token by itself.
func issueFaults(s source) []string {
	if s.room() != "internal/grants" || s.path == issues {
		return nil
	}
	var faults []string
	report := func() {
		faults = append(faults, s.path+": access tokens are made in "+issues+" alone, which forgets nothing that all of them share")
	}
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		switch made := n.(type) {
		case *ast.CompositeLit:
			if sel, ok := made.Type.(*ast.SelectorExpr); ok && sel.Sel.Name == "Access" && len(made.Elts) > 0 {
				report()
			}
		case *ast.CallExpr:
			if sel, ok := made.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Mint" {
				report()
			}
		}
		return true
	})
	return faults
}

// docFaults finds rooms that do not say what they own.
func (h house) docFaults() []string {
	documented := map[string]bool{}
	for _, s := range h {
		if strings.HasPrefix(s.path, "internal/") {
			documented[s.room()] = documented[s.room()] || path.Base(s.path) == "doc.go" && s.syntax.Doc != nil
		}
	}
	var faults []string
	for room, ok := range documented {
		if !ok {
			faults = append(faults, room+": no doc.go with a package comment: what it owns, what it refuses, where to start")
		}
	}
	return faults
}

// nounFaults finds nouns whose file has another name in an engine. A noun is a file of
// internal/store that declares an interface; their sum in store.go counts as one.
func (h house) nounFaults() []string {
	files := map[string]bool{}
	for _, s := range h {
		files[s.path] = true
	}
	var faults []string
	for _, s := range h {
		if s.room() != "internal/store" || s.isTest() || !declaresInterface(s.syntax) {
			continue
		}
		noun := path.Base(s.path)
		for _, engine := range []string{"internal/store/postgres/", "internal/store/sqlite/"} {
			if !files[engine+noun] {
				faults = append(faults, fmt.Sprintf("%s%s is missing: a noun has the same file name in every layer", engine, noun))
			}
		}
	}
	return faults
}

func declaresInterface(f *ast.File) bool {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range g.Specs {
			if t, ok := spec.(*ast.TypeSpec); ok && t.Name.IsExported() {
				if _, ok := t.Type.(*ast.InterfaceType); ok {
					return true
				}
			}
		}
	}
	return false
}

func TestTheHouseIsInOrder(t *testing.T) {
	h, err := readHouse("..")
	if err != nil {
		t.Fatal(err)
	}
	if len(h) < len(arrows) {
		t.Fatalf("only %d files read", len(h))
	}
	for _, fault := range h.faults() {
		t.Error(fault)
	}
	for room, allowed := range arrows {
		for _, to := range allowed {
			if to != all && !slices.ContainsFunc(h, func(s source) bool {
				return s.room() == room && !s.isTest() && slices.Contains(s.imports(), module+"/"+to)
			}) {
				t.Errorf("%s may import %s, and does not: take the arrow out of the table and of ARCHITECTURE.md", room, to)
			}
		}
		if !slices.ContainsFunc(h, func(s source) bool { return s.room() == room && !s.isTest() }) {
			t.Errorf("%s is in the table and not in the house", room)
		}
	}
}

// TestEveryArrowIsUsed: the table has only arrows that a room uses.
func TestEveryArrowIsUsed(t *testing.T) {
	h, err := readHouse("..")
	if err != nil {
		t.Fatal(err)
	}
	used := make(map[string]bool)
	for _, s := range h {
		for _, p := range s.imports() {
			if !s.isTest() {
				used[s.room()+" "+strings.TrimPrefix(p, module+"/")] = true
			}
		}
	}
	for room, allowed := range arrows {
		for _, p := range allowed {
			if p != all && !used[room+" "+p] {
				t.Errorf("%s imports %s nowhere: take the arrow out", room, p)
			}
		}
	}
}

// TestTheRulesFindFaults breaks each rule once, to show that the rules find faults.
func TestTheRulesFindFaults(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"an arrow of the table is fine": {
			map[string]string{"internal/keys/x.go": `package keys; import _ "authserver/internal/store"`}, nil,
		},
		"an arrow that is not in the table": {
			map[string]string{"internal/keys/x.go": `package keys; import _ "authserver/internal/tokens"`},
			[]string{"internal/keys/x.go: internal/keys may not import internal/tokens"},
		},
		"a test is free to use the real thing": {
			map[string]string{"internal/keys/x_test.go": `package keys; import _ "authserver/internal/store/sqlite"`}, nil,
		},
		"a room that is not listed": {
			map[string]string{"internal/util/x.go": "package util"},
			[]string{"internal/util/x.go: room internal/util is not in the table of test/arrows_test.go"},
		},
		"the server may import every room": {
			map[string]string{"internal/server/x.go": `package server; import _ "authserver/internal/store/postgres"`}, nil,
		},
		"but nothing that is for tests": {
			map[string]string{"internal/server/x.go": `package server; import ("authserver/internal/store/storetest"; "authserver/test/pgtest")`},
			[]string{
				"internal/server/x.go: internal/server may not import internal/store/storetest",
				"internal/server/x.go: internal/server may not import test/pgtest",
			},
		},
		"SQL outside the engines": {
			map[string]string{"internal/handlers/x.go": `package handlers; import ("database/sql"; "github.com/jackc/pgx/v5/pgxpool")`},
			[]string{
				"internal/handlers/x.go: internal/handlers may not import database/sql: SQL is the engines'",
				"internal/handlers/x.go: internal/handlers may not import github.com/jackc/pgx/v5/pgxpool: SQL is the engines'",
			},
		},
		"HTTP where values are enough": {
			map[string]string{"internal/grants/x.go": `package grants; import "net/http"`},
			[]string{"internal/grants/x.go: internal/grants may not import net/http: what touches a request is in internal/web and internal/handlers, and every other room gets values"},
		},
		"a text that names a flag, a command or a variable of the environment": {
			map[string]string{"internal/keys/x.go": "package keys; var x = []string{\"set --clock-skew\", \"see `key list`\", \"run authserver migrate up\", \"AUTHSERVER_CONFIG\", \"set clock-skew\", \"-----BEGIN x\"}"},
			[]string{
				"internal/keys/x.go: \"AUTHSERVER_CONFIG\" names a flag or a command: name the field, the setting or the operation",
				"internal/keys/x.go: \"run authserver migrate up\" names a flag or a command: name the field, the setting or the operation",
				"internal/keys/x.go: \"see `key list`\" names a flag or a command: name the field, the setting or the operation",
				"internal/keys/x.go: \"set --clock-skew\" names a flag or a command: name the field, the setting or the operation",
			},
		},
		"an init": {
			map[string]string{"internal/oauth/x.go": "package oauth; func init() {}"},
			[]string{"internal/oauth/x.go: func init: wire it in internal/server/wire.go"},
		},
		"a method of that name is none": {
			map[string]string{"internal/oauth/x.go": "package oauth; type T struct{}; func (T) init() {}"}, nil,
		},
		"a value in a context": {
			map[string]string{"internal/grants/x.go": `package grants; import "context"; var _ = context.WithValue(nil, 1, 2)`},
			[]string{"internal/grants/x.go: context.WithValue: pass it as a parameter; the request id alone travels so, in internal/telemetry"},
		},
		"the request id in a context": {
			map[string]string{"internal/telemetry/x.go": `package telemetry; import "context"; var _ = context.WithValue(nil, 1, 2)`}, nil,
		},
		"a void that another room makes": {
			map[string]string{
				"internal/admin/x.go":         `package admin; import "authserver/internal/store"; var v = store.Void{}`,
				"internal/tokens/revoker.go":  `package tokens; import "authserver/internal/store"; var v = store.Void{}`,
				"internal/handlers/x_test.go": `package handlers; import "authserver/internal/store"; var v = store.Void{}`,
			},
			[]string{"internal/admin/x.go: store.Void is made in internal/tokens/revoker.go alone, which knows how long it has to be kept"},
		},
		"a grant that makes a token by itself": {
			map[string]string{
				"internal/grants/x.go":      `package grants; import "authserver/internal/tokens"; var a = tokens.Access{Subject: "x"}; func f() { m.Mint(a) }`,
				"internal/grants/y.go":      `package grants; import "authserver/internal/tokens"; var none = tokens.Access{}`,
				"internal/grants/issue.go":  `package grants; import "authserver/internal/tokens"; var b = tokens.Access{Subject: "x"}; func g() { m.Mint(b) }`,
				"internal/grants/x_test.go": `package grants; import "authserver/internal/tokens"; var c = tokens.Access{Subject: "x"}`,
			},
			[]string{
				"internal/grants/x.go: access tokens are made in internal/grants/issue.go alone, which forgets nothing that all of them share",
				"internal/grants/x.go: access tokens are made in internal/grants/issue.go alone, which forgets nothing that all of them share",
			},
		},
		"a long file": {
			map[string]string{"internal/oauth/x.go": "package oauth" + strings.Repeat("\n", longestFile+1)},
			[]string{"internal/oauth/x.go: 301 lines: a file is one noun or verb, of at most 300"},
		},
		"a long file that a program wrote": {
			map[string]string{"internal/oauth/x.go": "// Code generated by x. DO NOT EDIT.\n\npackage oauth" + strings.Repeat("\n", longestFile+1)}, nil,
		},
		"a noun that one engine keeps elsewhere": {
			map[string]string{
				"internal/store/noun.go":          "package store; type Nouns interface{ Noun() }",
				"internal/store/moment.go":        "package store; type Moment struct{}",
				"internal/store/postgres/noun.go": "package postgres",
				"internal/store/sqlite/other.go":  "package sqlite",
			},
			[]string{"internal/store/sqlite/noun.go is missing: a noun has the same file name in every layer"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := house{}
			var err error
			for file, text := range test.files {
				doc := path.Join(path.Dir(file), "doc.go")
				for f, text := range map[string]string{file: text, doc: "// Package x is documented.\npackage x"} {
					if h, err = h.add(f, []byte(text)); err != nil {
						t.Fatal(err)
					}
				}
			}
			// Every room has a doc.go, which would report an unlisted room again.
			got := slices.DeleteFunc(h.faults(), func(f string) bool { return strings.Contains(f, "/doc.go: ") })
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("a room without a package comment", func(t *testing.T) {
		h, err := house{}.add("internal/oauth/x.go", []byte("package oauth"))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"internal/oauth: no doc.go with a package comment: what it owns, what it refuses, where to start"}
		if diff := cmp.Diff(want, h.faults()); diff != "" {
			t.Errorf("faults (-want +got):\n%s", diff)
		}
	})
}
