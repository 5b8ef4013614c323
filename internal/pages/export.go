package pages

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Export writes the files that are built in and that a theme can change below a folder, and returns
// their paths. It makes the folder, and changes no existing file.
func Export(folder string) ([]string, error) {
	files, err := newOverlay("")
	if err != nil {
		return nil, err
	}
	var written []string
	for name, file := range files {
		if name == templatePath("formpost") {
			continue
		}
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // what is written is public, and the server may run as another user
			return nil, err
		}
		if err := write(path, file.text); err != nil {
			return nil, err
		}
		written = append(written, path)
	}
	slices.Sort(written)
	return written, nil
}

func write(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // what is written is public, and the server may run as another user
	if os.IsExist(err) {
		return fmt.Errorf("%s exists already: name a new folder", path)
	}
	if err != nil {
		return err
	}
	if _, err = file.Write(text); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}
