// Package pages opens every page in a real Chromium: by keyboard alone, without JavaScript,
// in light and dark, on a narrow phone, from right to left, and before the rules of axe-core.
//
//	make test-browser
//
// The pages come from the renderer and with the headers that the server has. Start at
// gallery_test.go, which says what there is to see.
package pages
