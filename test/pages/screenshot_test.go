//go:build browser

package pages

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "a folder to write pictures of every page to, for a person to look at")

// TestScreenshots writes a picture of every page where a folder for them is given.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		return
	}
	m, b := openMuseum(t), openBrowser(t)
	for _, look := range []struct {
		name          string
		width, height int64
		dark          bool
		locales       string
	}{
		{"light", 1000, 760, false, "en"}, {"dark", 1000, 760, true, "en"}, {"phone", 320, 640, false, "en"}, {"ar", 420, 760, false, "ar"}, {"ja", 420, 760, true, "ja"}, {"de", 320, 640, false, "de"},
	} {
		b.dark(look.dark)
		b.size(look.width, look.height)
		for _, e := range m.exhibits {
			if e.passing() { // it is gone before it can be seen
				continue
			}
			b.open(m.url + "/" + e.name + "?ui_locales=" + look.locales)
			picture := value(b, chromedp.FullScreenshot(100))
			if err := os.WriteFile(filepath.Join(*screenshots, e.name+"."+look.name+".png"), picture, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
