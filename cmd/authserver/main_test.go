package main

import (
	"os"
	"testing"

	"github.com/alecthomas/kong"

	"authserver/internal/config"
)

func TestEveryCommandCanBeRun(t *testing.T) {
	parser, err := kong.New(&commands{}, config.Options(config.Sources{ReadFile: os.ReadFile})...)
	if err != nil {
		t.Fatal(err)
	}
	leaves := parser.Model.Leaves(false)
	if len(leaves) < 30 {
		t.Errorf("%d commands were found", len(leaves))
	}
	for _, leaf := range leaves {
		if _, ok := leaf.Target.Addr().Interface().(command); !ok {
			t.Errorf("%s has no method Run that takes a process alone", leaf.Path())
		}
	}
}
