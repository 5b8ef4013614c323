// Package pages owns what a person sees: the pages of signing in and of the account, their
// templates, languages and styles, and the theme that an operator lays over them.
//
// It refuses to decide anything. A page is a struct with plain data, and rendering it
// reads no store, no request and no clock. It writes no header either: a [Document] says what
// its page may load and where its forms lead, and internal/web makes the headers of that.
//
// Start at page.go; each page has a file with its struct and a template of the same name.
package pages
