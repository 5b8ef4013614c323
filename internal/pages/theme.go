package pages

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed templates languages assets
var builtIn embed.FS

// overlay has the files of the pages by their path, such as "templates/login.html". A file of a
// theme replaces the one that is built in.
type overlay map[string]overlayFile

type overlayFile struct {
	text   []byte
	from   string // the place of the file, for errors
	themed bool
	// beneath is the built-in file that the theme replaces; nil: there is none.
	beneath []byte
}

func templatePath(name string) string { return "templates/" + name + ".html" }

// maxThemeFile bounds a file of a theme, which stays in memory.
const maxThemeFile = 4 << 20

// newOverlay reads the built-in files and those of the theme; "": there is no theme.
func newOverlay(theme string) (overlay, error) {
	files := overlay{}
	if err := files.add(builtIn, ""); err != nil {
		return nil, err
	}
	if theme == "" {
		return files, nil
	}
	if _, err := fs.ReadDir(os.DirFS(theme), "."); err != nil {
		return nil, fmt.Errorf("theme-dir %s cannot be read: %w", theme, err)
	}
	return files, files.add(os.DirFS(theme), theme)
}

// add adds the files of a folder, instead of those with the same name; theme is its path, "" for
// the built-in files.
func (l overlay) add(folder fs.FS, theme string) error {
	return fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(theme, name), err)
		}
		if strings.HasPrefix(entry.Name(), ".") && name != "." { // files of editors and of Kubernetes mounts
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if entry.IsDir() {
			return fitFolder(theme, name)
		}
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", filepath.Join(theme, name), err)
		}
		file := overlayFile{text: text, from: name}
		if theme != "" {
			file.from, file.themed, file.beneath = filepath.Join(theme, name), true, l[name].text
			if err = l.fits(name, file); err != nil {
				return err
			}
		}
		l[name] = file
		return nil
	})
}

func fitFolder(theme, name string) error {
	if slices.Contains([]string{".", "templates", "languages", "assets"}, name) {
		return nil
	}
	return fmt.Errorf("%s: a theme has the folders templates, languages and assets and no other: remove it", filepath.Join(theme, name))
}

// fits returns an error for a file that a theme may not have.
func (l overlay) fits(name string, file overlayFile) error {
	_, known := l[name]
	switch folder := path.Dir(name); {
	case len(file.text) > maxThemeFile:
		return fmt.Errorf("%s: it is larger than %d MiB: make it smaller", file.from, maxThemeFile>>20)
	case folder == "assets":
		return fitAsset(file.from)
	case folder == "languages":
		return fitLanguage(file.from)
	case name == templatePath("formpost"):
		return fmt.Errorf("%s: this page hands secrets to apps by a script, so a theme cannot change it: remove the file (layout.html and the styles do apply to it)", file.from)
	case folder == "templates" && known:
		return nil
	case folder == "templates":
		return fmt.Errorf("%s: no page of this version is called so: rename or remove it; there are %s", file.from, strings.Join(l.names("templates"), ", "))
	}
	return fmt.Errorf("%s: a theme has its files in templates, languages and assets: move it there or remove it", file.from)
}

// names are the files of a folder, sorted.
func (l overlay) names(folder string) []string {
	var names []string
	for name := range l {
		if path.Dir(name) == folder {
			names = append(names, path.Base(name))
		}
	}
	slices.Sort(names)
	return names
}

// parse adds a template to a set. Errors name its file and line.
func (l overlay) parse(set *template.Template, name string) error {
	file, found := l[templatePath(name)]
	if !found {
		return errors.New(templatePath(name) + " is missing")
	}
	_, err := set.New(file.from).Parse(string(file.text))
	return err
}
