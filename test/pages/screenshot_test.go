//go:build browser

package pages

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

var (
	screenshots = flag.String("screenshots", "", "a folder to write pictures of every page to, for a person to look at")
	documented  = flag.String("documented", "", "a folder to write the pictures of the documentation to: ../../docs/images")
)

// look describes a picture.
type look struct {
	name          string
	page          string // "": every page
	width, height int64
	dark          bool
	locales       string
}

// TestScreenshots writes pictures where a folder for them is given:
//
//	go test -tags browser -run TestScreenshots ./test/pages -args -screenshots /tmp/pictures
func TestScreenshots(t *testing.T) {
	for folder, looks := range map[string][]look{
		*screenshots: {
			{"light", "", 1000, 760, false, "en"},
			{"dark", "", 1000, 760, true, "en"},
			{"phone", "", 320, 640, false, "en"},
			{"ar", "", 420, 760, false, "ar"},
			{"ja", "", 420, 760, true, "ja"},
			{"de", "", 320, 640, false, "de"},
		},
		*documented: {
			{"sign-in", "login", 640, 600, false, "en"},
			{"consent", "consent", 640, 860, true, "en"},
			{"sign-in-ar", "login-wrong", 360, 600, false, "ar"},
			{"sign-in-dark", "login", 640, 600, true, "en"},
			{"consent-light", "consent", 640, 860, false, "en"},
			{"account", "account", 700, 720, false, "en"},
			{"account-dark", "account", 700, 720, true, "en"},
			{"logout", "logout", 640, 480, false, "en"},
			{"logout-dark", "logout", 640, 480, true, "en"},
		},
	} {
		if folder == "" {
			continue
		}
		m, b := openMuseum(t), openBrowser(t)
		for _, l := range looks {
			b.dark(l.dark)
			b.size(l.width, l.height)
			for _, e := range m.exhibits {
				if e.passing() || l.page != "" && l.page != e.name {
					continue
				}
				b.open(m.url + "/" + e.name + "?ui_locales=" + l.locales)
				ask[bool](b, `(document.activeElement.blur(), true)`)
				name, picture := l.name, []byte(nil)
				if l.page != "" { // only the window, instead of the whole page
					picture = value(b, chromedp.CaptureScreenshot())
				} else {
					name, picture = e.name+"."+l.name, value(b, chromedp.FullScreenshot(100))
				}
				if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
