// Command gen generates the generated parts of README.md and docs/ again. `go generate ./...` runs
// it, in the folder above.
package main

import (
	"log"
	"os"
	"path/filepath"

	"authserver/test/docs"
)

func main() {
	const root = "../.."
	pages, err := docs.Pages(root)
	if err != nil {
		log.Fatal(err)
	}
	for _, page := range pages {
		if err := generate(root, filepath.Join(root, page)); err != nil {
			log.Fatalf("%s: %v", page, err)
		}
	}
}

func generate(root, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	made, err := docs.Generate(root, string(text))
	if err != nil || made == string(text) {
		return err
	}
	return os.WriteFile(file, []byte(made), 0o644)
}
