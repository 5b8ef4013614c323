package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
)

// Route is a row of a table of endpoints. A route of GET answers HEAD too.
type Route struct {
	Method string
	Path   string // as in logs and metrics, without the path of the issuer
	Serve  Endpoint
	Quiet  bool // requested every few seconds by machines: logged only if it fails
	// Described is set for a document about the issuer, whose well-known path has the
	// path of the issuer behind it too (RFC 8414 §3.1).
	Described bool
	// AnyOrigin lets pages of every origin read the answers: see [AnyOrigin].
	AnyOrigin bool
}

// Handler serves a table, under the path of the issuer too; "": there is none.
func (d *Door) Handler(table []Route, issuer string) http.Handler {
	router := chi.NewRouter()
	methods, anyOrigin := make(map[string][]string), make(map[string]bool)
	for _, row := range table {
		if row.AnyOrigin {
			row.Serve = AnyOrigin(row.Serve)
		}
		for _, path := range servedAt(issuer, row) {
			serve := d.wrap(row, publishedAs(issuer, path, table))
			for _, method := range answers(row.Method) {
				if slices.Contains(methods[path], method) {
					continue // an alias under the path of an issuer, such as /oauth2, may be the endpoint itself
				}
				router.Method(method, path, serve)
				methods[path] = append(methods[path], method)
				anyOrigin[path] = row.AnyOrigin
			}
		}
	}
	router.NotFound(d.wrap(Route{Serve: notFound}, nil).ServeHTTP)
	router.MethodNotAllowed(d.wrap(Route{Serve: func(w http.ResponseWriter, r *http.Request, _ *RequestInfo) error {
		allow := slices.Clone(methods[r.URL.Path])
		if len(allow) == 0 { // chi comes here for methods that it does not know, whatever the path
			return notFound(w, r, nil)
		}
		if anyOrigin[r.URL.Path] {
			setAnyOrigin(w.Header())
		}
		slices.Sort(allow)
		w.Header().Set("Allow", strings.Join(allow, ", "))
		return methodNotAllowed()
	}}, nil).ServeHTTP)
	return router
}

func answers(method string) []string {
	if method == http.MethodGet {
		return []string{http.MethodGet, http.MethodHead}
	}
	return []string{method}
}
