//go:build browser

package pages

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// patience bounds the actions of a browser, on a busy machine.
const patience = 2 * time.Minute

// tab is a tab of a browser of its own.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// openBrowser starts Chromium, and stops it at the end of the test.
func openBrowser(t *testing.T) tab {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		t.Fatal("there is no Chromium: sh test/install/install.sh chromium")
	}
	home, err := os.MkdirTemp("", "browser")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // output of Chromium at its end is not a fault of a page
		for range 100 {
			if os.RemoveAll(home) == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.UserDataDir(filepath.Join(home, "profile")), chromedp.NoSandbox,
		chromedp.Flag("disable-breakpad", true), chromedp.Flag("disable-crash-reporter", true), chromedp.Flag("disable-popup-blocking", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.WSURLReadTimeout(patience),
		chromedp.Env("HOME="+home, "TMPDIR="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home),
	)
	allocated, stop := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, closeTab := chromedp.NewContext(allocated)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx)
		closeTab()
		stop()
	})
	b := tab{t, ctx}
	b.open("about:blank")
	return b
}

// value performs an action, and returns its result.
func value[T any](b tab, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx := b.ctx
	if chromedp.FromContext(b.ctx).Target != nil { // the first action starts the browser, which would end with its time
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(b.ctx, patience)
		defer cancel()
	}
	got, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

// call sends a command of the protocol.
func call[P any](b tab, command cdp.Command[P, cdp.Empty], params P) {
	b.t.Helper()
	value(b, func(ctx context.Context, target *chromedp.Target) (cdp.Empty, error) {
		return cdp.Call(ctx, target, command, params)
	})
}

// ask evaluates an expression in the page.
func ask[T any](b tab, expression string) T {
	b.t.Helper()
	return value(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// open goes to a page and waits until it is there.
func (b tab) open(url string) {
	b.t.Helper()
	value(b, chromedp.Navigate(url))
	b.settle()
}

// pass opens a page that continues by itself, as by a link of another page: it may be gone before
// the test could wait for it.
func (b tab) pass(museum, page string) {
	b.t.Helper()
	b.open(museum + "/login")
	ask[bool](b, `(setTimeout(() => location.assign("`+page+`"), 0), true)`)
}

// arrive waits until the page that the museum or the app answers to a form has loaded. It asks the
// browser and not the page, which may have no JavaScript.
func (b tab) arrive() {
	b.t.Helper()
	last := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		visited, err := chromedp.Run(b.ctx, chromedp.NavigationEntries())
		if err != nil { // between two pages there is none
			continue
		}
		if last = visited.Entries[visited.CurrentIndex].Title; last == "taken" {
			return
		}
	}
	b.t.Fatalf("no form was answered: the page is %q", last)
}

// at waits until a page of a path has loaded and an expression is true in it.
func (b tab) at(path, expression string) {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		there, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`location.pathname == "`+path+`" && document.readyState == "complete" && (`+expression+`)`))
		if err == nil && there { // between two pages there is none to ask
			return
		}
	}
	b.t.Fatalf("the page %s never came, it is %s", path, ask[string](b, `location.href + " " + document.body.innerText`))
}

// tab opens another tab of the same browser.
func (b tab) tab() tab {
	b.t.Helper()
	ctx, closeTab := chromedp.NewContext(b.ctx)
	b.t.Cleanup(closeTab)
	opened := tab{b.t, ctx}
	opened.open("about:blank")
	return opened
}

// other returns the tab that a page opened at an address.
func (b tab) other(url string) tab {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		targets, err := chromedp.Targets(b.ctx)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, info := range targets {
			if info.URL == url {
				ctx, closeTab := chromedp.NewContext(b.ctx, chromedp.WithTargetID(info.TargetID))
				b.t.Cleanup(closeTab)
				return tab{b.t, ctx}
			}
		}
	}
	b.t.Fatalf("no tab is at %s", url)
	panic("unreachable")
}

// size sets the size of the window: a narrow window is a phone.
func (b tab) size(width, height int64) {
	b.t.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 500})
}

// dark sets the colour scheme that the person prefers.
func (b tab) dark(dark bool) {
	b.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// settle waits until a page that sets the focus has done so: Chromium does it when it first draws
// the page, and loses a key before that.
func (b tab) settle() {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ask[bool](b, `document.querySelector("[autofocus]") == null || document.activeElement == document.querySelector("[autofocus]")`) {
			return
		}
	}
	b.t.Fatal("the page never set the focus")
}

// press presses keys, as a person without a mouse does.
func (b tab) press(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		value(b, chromedp.KeyEvent(key))
	}
}

// await returns the next value of a channel.
func await[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(patience):
		t.Fatal("it never came: " + what)
		panic("unreachable")
	}
}
