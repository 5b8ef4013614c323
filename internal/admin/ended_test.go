package admin

import (
	"os"
	"strings"
	"testing"

	"authserver/internal/store"
	"authserver/internal/testkit"
)

func TestEachReasonIsExplained(t *testing.T) {
	docs, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]bool{ // of users and clients, whose families show another reason
		store.EndedByNewPassword: true, store.EndedByUserDisabled: true, store.EndedByUserDeleted: true,
		store.EndedByClientCreated: true, store.EndedByClientDisabled: true, store.EndedByClientDeleted: true,
	}
	for _, reason := range testkit.Constants(t, "../store/endreason.go", "") {
		if words := ended(reason); !strings.HasSuffix(words, " ("+reason+")") {
			t.Errorf("%s is explained as %q", reason, words)
		}
		if !of[reason] && !strings.Contains(string(docs), "`"+reason+"`") {
			t.Errorf("docs/operations.md does not explain %s", reason)
		}
	}
}
