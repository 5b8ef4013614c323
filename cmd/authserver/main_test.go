package main

import "testing"

func TestEveryCommandCanBeRun(t *testing.T) {
	leaves := leaves(t)
	if len(leaves) < 30 {
		t.Errorf("%d commands were found", len(leaves))
	}
	for _, leaf := range leaves {
		if _, ok := leaf.Target.Addr().Interface().(command); !ok {
			t.Errorf("%s has no method Run that takes a process alone", leaf.Path())
		}
	}
}
