package main

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/admin"
)

// TestShow: durations print as durations, and a value that is printed only once is the last line.
func TestShow(t *testing.T) {
	client := admin.ClientWithSecret{Client: admin.Client{ClientID: "web", RefreshIdleTTL: 30 * 86400, RefreshMaxTTL: 5400}, Secret: "s3cr3t"}
	for colour, want := range map[bool]string{false: "client_secret  s3cr3t", true: "client_secret  \x1b[1ms3cr3t\x1b[0m"} {
		var out bytes.Buffer
		if err := (Output{}).show(&printer{to: &out, colour: colour}, client); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if diff := cmp.Diff([]string{"", want}, lines[len(lines)-2:]); diff != "" {
			t.Errorf("the end of the answer (-want +got):\n%s", diff)
		}
		for _, line := range []string{"refresh_idle_ttl  30d", "refresh_max_ttl   1h30m"} {
			if !strings.Contains(out.String(), line) {
				t.Errorf("it has no line %q:\n%s", line, out.String())
			}
		}
	}
	var list bytes.Buffer
	if err := printList(Output{}, &list, []admin.Resource{{ID: "a", AccessTokenTTL: 900}}, "id", "access_token_ttl"); err != nil {
		t.Fatal(err)
	}
	if want := "ID  ACCESS_TOKEN_TTL\na   15m\n"; list.String() != want {
		t.Errorf("a list is %q, want %q", list.String(), want)
	}
}

// TestInColour: colours are only for terminals, and for users who want them.
func TestInColour(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, c := range []struct {
		name    string
		out     *os.File
		environ []string
		want    bool
	}{
		{"a terminal", terminal, []string{"TERM=xterm"}, true},
		{"NO_COLOR", terminal, []string{"NO_COLOR=1"}, false},
		{"an empty NO_COLOR", terminal, []string{"NO_COLOR="}, true},
		{"a terminal that can do nothing", terminal, []string{"TERM=dumb"}, false},
		{"a file", file, nil, false},
	} {
		if got := inColour(c.out, c.environ); got != c.want {
			t.Errorf("%s: in colour is %v", c.name, got)
		}
	}
	if inColour(&bytes.Buffer{}, nil) {
		t.Error("a buffer is in colour")
	}
}

// TestTextOfLists: words have spaces between them, and sentences do not run together.
func TestTextOfLists(t *testing.T) {
	for want, list := range map[string][]string{
		"-":                                   {},
		"read write":                          {"read", "write"},
		"it was revoked; it has also expired": {"it was revoked", "it has also expired"},
	} {
		if got := text(reflect.ValueOf(list)); got != want {
			t.Errorf("%q is shown as %q, want %q", list, got, want)
		}
	}
}
