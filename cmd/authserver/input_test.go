package main

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/admin"
)

func TestValuesOfClaims(t *testing.T) {
	for _, c := range []struct {
		name string
		text string
		want any
	}{
		{"a word is a string", "blue", "blue"},
		{"nothing is the empty string", "", ""},
		{"a number is a number, with all its digits", "12345678901234567890", json.Number("12345678901234567890")},
		{"a number in quotes is a string", `"7"`, "7"},
		{"true is true", "true", true},
		{"an array is one", `["a",1]`, []any{"a", json.Number("1")}},
		{"what only begins as JSON is a string", "7 dwarfs", "7 dwarfs"},
		{"a string may hold an equals sign", "a=b", "a=b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := claims([]string{"x=" + c.text})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]any{"x": c.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFlagsThatRepeat(t *testing.T) {
	for _, c := range []struct {
		name               string
		values             []string
		wantList, wantWord []string
	}{
		{"not given is nil", nil, nil, nil},
		{"only an empty value clears", []string{""}, []string{}, []string{}},
		{"each is a value, and of words each", []string{"a b", "c"}, []string{"a b", "c"}, []string{"a", "b", "c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.wantList, list(c.values)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.wantWord, words(c.values)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestASecretWithoutItsFinalNewline(t *testing.T) {
	for input, want := range map[string]string{"a\n": "a", "a\r\n": "a", "a": "a", "a\n\n": "a\n", " a ": " a "} {
		p := &process{stdin: strings.NewReader(input)}
		if got, err := p.secret("--password-stdin", "-"); got != want || err != nil {
			t.Errorf("%q reads as %q, %v", input, got, err)
		}
	}
	p := &process{stdin: strings.NewReader(strings.Repeat("x", maxInput+1))}
	if _, err := p.secret("--password-stdin", "-"); err == nil {
		t.Error("a secret without end is read")
	}
}

func TestAListingGoesOnUntilThereIsNoMore(t *testing.T) {
	const all = 2*admin.MaxPage + 1
	list := func(page admin.Page) ([]int, error) {
		after, _ := strconv.Atoi(page.After)
		var batch []int
		for i := after + 1; i <= all && len(batch) < page.Limit; i++ {
			batch = append(batch, i)
		}
		return batch, page.Check()
	}
	for _, c := range []struct {
		listing     Listing
		count, last int
	}{
		{Listing{}, all, all},
		{Listing{Limit: 3}, 3, 3},
		{Listing{Limit: admin.MaxPage}, admin.MaxPage, admin.MaxPage},
		{Listing{Limit: admin.MaxPage + 1}, admin.MaxPage + 1, admin.MaxPage + 1},
		{Listing{Limit: 2 * all}, all, all},
		{Listing{After: "2000"}, 1, all},
		{Listing{After: "2000", Limit: 5}, 1, all},
	} {
		got, err := rows(c.listing, list, strconv.Itoa)
		if err != nil || len(got) != c.count || got[len(got)-1] != c.last {
			t.Errorf("%+v lists %d, %v; want %d up to %d", c.listing, len(got), err, c.count, c.last)
		}
	}
	broken := errors.New("broken")
	if _, err := rows(Listing{}, func(admin.Page) ([]int, error) { return nil, broken }, strconv.Itoa); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := rows(Listing{Limit: -1}, list, strconv.Itoa); err == nil {
		t.Error("a negative limit is taken")
	}
}

func TestWhereToReachWhatListens(t *testing.T) {
	for listen, want := range map[string]string{
		":9090": "127.0.0.1:9090", "0.0.0.0:9090": "127.0.0.1:9090", "[::]:9090": "127.0.0.1:9090",
		"10.0.0.1:9090": "10.0.0.1:9090", "[::1]:9090": "[::1]:9090", "localhost:1": "localhost:1",
	} {
		if got, err := dialable(listen); got != want || err != nil {
			t.Errorf("%s is reached at %s, %v", listen, got, err)
		}
	}
}

func TestQuote(t *testing.T) {
	for path, want := range map[string]string{"./authserver": "./authserver", "/a b/authserver": "'/a b/authserver'", "it's": `'it'\''s'`} {
		if got := quote(path); got != want {
			t.Errorf("%s is quoted as %s", path, got)
		}
	}
}

// TestEmptyFlags: a flag whose shell variable was not set is refused, if the command would do more
// without the flag.
func TestEmptyFlags(t *testing.T) {
	for _, leaf := range leaves(t) {
		for _, f := range leaf.Flags {
			if f.Tag.Has("setting") || f.Target.Kind() != reflect.String || f.Enum != "" {
				continue
			}
			args := append(strings.Fields(leaf.Path()), "--"+f.Name, "")
			for _, p := range leaf.Positional {
				args = append(args, p.Name)
			}
			taken := slices.Clone(f.Xor)
			for _, other := range leaf.Flags {
				one := func(group string) bool { return slices.Contains(taken, group) }
				if other.Required && other != f && !slices.ContainsFunc(other.Xor, one) {
					args, taken = append(args, "--"+other.Name, "x"), append(taken, other.Xor...)
				}
			}
			_, stderr, code := execute(args...)
			refused := code == exitUsage && strings.Contains(stderr, "--"+f.Name+": it must not be empty")
			if refused == f.Tag.Has("empty") {
				t.Errorf("%q ends with %d: %s", args, code, stderr)
			}
		}
	}
}
