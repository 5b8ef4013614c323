//go:build browser

package pages

import "testing"

// overflow lists elements that extend beyond the window, or are too small for a finger: 44 px of
// CSS (WCAG 2.2 §2.5.5), except links within a sentence.
const overflow = `(() => {
	const faults = [], width = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth > width) faults.push("the page is " + document.documentElement.scrollWidth + " px wide");
	for (const e of document.body.querySelectorAll("*")) {
		if (e.closest(".unseen, [type=hidden]")) continue;
		const box = e.getBoundingClientRect();
		if (box.width > 0 && (box.right > width + 1 || box.left < -1)) faults.push(e.outerHTML.slice(0, 80) + " reaches from " + box.left + " to " + box.right);
	}
	for (const e of document.querySelectorAll("button, input:not([type=hidden]):not(.unseen), .links a, a.button")) {
		const box = e.getBoundingClientRect();
		if (box.height < 44 || box.width < 44) faults.push(e.outerHTML.slice(0, 80) + " is " + box.width + " by " + box.height);
		if (e.tagName == "BUTTON" && e.scrollWidth > e.clientWidth + 1) faults.push(e.outerHTML.slice(0, 80) + " does not hold its text");
	}
	return faults;
})()`

// TestNarrow opens every page, also with long names, on a phone of 320 px and in an equally
// enlarged window (WCAG 2.2 §1.4.10), in every language.
func TestNarrow(t *testing.T) {
	m, b := openMuseum(t), openBrowser(t)
	b.dark(false)
	for _, language := range []string{"en", "de", "es", "fr", "ja", "ar"} {
		for _, width := range []int64{320, 1000} {
			if width == 1000 && language != "ar" && language != "en" {
				continue
			}
			b.size(width, 640)
			for _, e := range m.exhibits {
				if e.passing() {
					continue
				}
				b.open(m.url + "/" + e.name + "?ui_locales=" + language)
				for _, fault := range ask[[]string](b, overflow) {
					t.Errorf("%s in %s at %d px: %s", e.name, language, width, fault)
				}
			}
		}
	}
}

// TestDirection checks the positions of elements from right to left.
func TestDirection(t *testing.T) {
	m, b := openMuseum(t), openBrowser(t)
	b.size(1000, 800)
	b.open(m.url + "/login?ui_locales=ar")
	if got := ask[string](b, `getComputedStyle(document.querySelector("label")).direction`); got != "rtl" {
		t.Errorf("the direction is %s", got)
	}
	if !ask[bool](b, `document.querySelector(".logo").getBoundingClientRect().left > innerWidth / 2`) {
		t.Error("the logo stands on the left")
	}
	if got := ask[string](b, `document.title`); got == "" {
		t.Error("the page has no title")
	}
}
