// Package pages opens every page in a real Chromium: only by keyboard, without JavaScript, in light
// and dark, on a narrow phone, from right to left, and with the rules of axe-core.
//
//	make test-browser
//
// The pages come from the renderer and have the headers of the server. Start at gallery_test.go,
// which lists the pages.
package pages
