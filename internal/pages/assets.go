package pages

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Asset is a file that pages load.
type Asset struct {
	Type string // its media type
	Body []byte
}

// Assets are the files that pages load. Each is served under a name with the hash of its content,
// so that a browser may keep it for ever.
type Assets struct {
	base   string
	served map[string]Asset  // by the name with the hash
	hashed map[string]string // from the name to the one with the hash
}

// assetTypes are the media types of assets by the ends of their names.
func assetTypes() map[string]string {
	return map[string]string{
		".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg",
		".webp": "image/webp", ".ico": "image/x-icon", ".woff2": "font/woff2",
	}
}

// assetName is a name that needs no escaping in a URL or a style sheet.
var assetName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*\.[a-z0-9]+$`)

func fitAsset(from string) error {
	name := path.Base(from)
	if _, known := assetTypes()[path.Ext(name)]; !known || !assetName.MatchString(name) {
		return fmt.Errorf("%s: an asset is called like logo.svg, in letters, digits, - and _, and ends in .css, .svg, .png, .jpg, .webp, .ico or .woff2: rename or remove it", from)
	}
	return nil
}

// readAssets hashes the assets: the style sheets last, because they refer to others.
func readAssets(files overlay, base string) (Assets, error) {
	a := Assets{base: base + "/assets/", served: map[string]Asset{}, hashed: map[string]string{}}
	names := files.names("assets")
	slices.SortStableFunc(names, func(x, y string) int { return rank(x) - rank(y) })
	for _, name := range names {
		file := files["assets/"+name]
		body := file.text
		if path.Ext(name) == ".css" {
			var err error
			if body, err = a.link(file); err != nil {
				return a, err
			}
		}
		sum := sha256.Sum256(body)
		extension := path.Ext(name)
		hashed := strings.TrimSuffix(name, extension) + "." + hex.EncodeToString(sum[:8]) + extension
		a.served[hashed], a.hashed[name] = Asset{assetTypes()[extension], body}, hashed
	}
	return a, nil
}

func rank(name string) int {
	if path.Ext(name) == ".css" {
		return 1
	}
	return 0
}

// styleURL is a reference to another asset in a style sheet.
var styleURL = regexp.MustCompile(`url\(\s*["']?([^"')]*)["']?\s*\)|@import`)

// link puts the names with hashes into a style sheet.
func (a Assets) link(file overlayFile) ([]byte, error) {
	lines := strings.Split(string(file.text), "\n")
	for i, line := range lines {
		for _, found := range styleURL.FindAllStringSubmatch(line, -1) {
			hashed, known := a.hashed[found[1]]
			switch {
			case strings.HasPrefix(found[1], "data:image/"):
			case !known:
				return nil, fmt.Errorf(`%s:%d: %s: a style sheet loads nothing but the images and fonts of the folder assets, as in url("logo.svg")`, file.from, i+1, found[0])
			default:
				lines[i] = strings.Replace(lines[i], found[0], `url("`+hashed+`")`, 1)
			}
		}
	}
	return []byte(strings.Join(lines, "\n")), nil
}

// URL is the path at which an asset is served.
func (a Assets) URL(name string) (string, error) {
	hashed, known := a.hashed[name]
	if !known {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return a.base + hashed, nil
}

// Styles are the paths of the style sheets of every page, in their order.
func (a Assets) Styles() []string {
	styles := []string{a.base + a.hashed["pages.css"]}
	if theme, given := a.hashed["theme.css"]; given {
		styles = append(styles, a.base+theme)
	}
	return styles
}
