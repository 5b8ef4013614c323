// Command gen makes the generated parts of README.md anew. `go generate ./...`
// runs it, in the folder above.
package main

import (
	"log"
	"os"
	"path/filepath"

	"authserver/test/docs"
)

func main() {
	const root = "../.."
	name := filepath.Join(root, "README.md")
	page, err := os.ReadFile(name)
	if err != nil {
		log.Fatal(err)
	}
	made, err := docs.Generate(root, string(page))
	if err != nil {
		log.Fatalf("%s: %v", name, err)
	}
	if err := os.WriteFile(name, []byte(made), 0o644); err != nil {
		log.Fatal(err)
	}
}
