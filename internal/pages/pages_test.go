package pages

import "testing"

func open(t *testing.T, theme string) *Book {
	t.Helper()
	b, err := Open(theme, "")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEveryPageInEveryLanguage(t *testing.T) {
	b := open(t, "")
	files, err := lay("")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.check(files); err != nil {
		t.Error(err)
	}
}
