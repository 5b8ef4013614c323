package main

import (
	"os"
	"strings"
	"testing"
)

// docs/clients.md names the commands that ask, and no others.
func TestTheDocumentationNamesTheCommandsThatAsk(t *testing.T) {
	page, err := os.ReadFile("../../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "- These commands ask first")
	list, _, ended := strings.Cut(rest, "No other command asks.")
	if !found || !ended {
		t.Fatal("docs/clients.md does not say which commands ask")
	}
	list = strings.Join(strings.Fields(list), " ")
	asking := 0
	for _, leaf := range leaves(t) {
		asks := false
		for _, flag := range leaf.Flags {
			asks = asks || flag.Name == "yes"
		}
		if asks {
			asking++
		}
		if path := strings.TrimPrefix(leaf.Path(), "authserver "); asks != strings.Contains(list, "`"+path+"`") {
			t.Errorf("%s: that it asks is %t, and the page says otherwise", path, asks)
		}
	}
	if named := strings.Count(list, "`")/2 - 2; named != asking { // except two flags
		t.Errorf("the page names %d commands, and %d ask", named, asking)
	}
}
