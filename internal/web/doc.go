// Package web owns what every HTTP door of the server shares: whose address a request
// has, behind whichever proxies it came.
//
// It refuses to know any endpoint. Start at clientaddress.go.
package web
