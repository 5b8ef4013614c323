// Package pages owns what a person sees: the pages of the sign-in and the account, their templates,
// languages and styles, and the theme of the operator.
//
// It refuses to decide anything. A page is a struct with plain data, and rendering it reads no
// store, no request and no clock. It writes no header either: a [Document] has the policy of its
// page, and internal/web turns that into headers.
//
// Start at page.go; each page has a file with its struct and a template of the same name.
package pages
