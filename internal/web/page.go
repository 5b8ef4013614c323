package web

import (
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"authserver/internal/oauth"
	"authserver/internal/pages"
	"authserver/internal/telemetry"
)

// Pages answers with pages.
type Pages struct {
	Renderer *pages.Renderer
	// Protection refuses requests from pages of other sites.
	Protection *http.CrossOriginProtection
}

// NewPages returns Pages that answer with the pages of a renderer. It accepts a form of the
// issuer's own pages even if a proxy has changed the Host.
func NewPages(renderer *pages.Renderer, issuer string) (*Pages, error) {
	protection := http.NewCrossOriginProtection()
	if origin := originOf(issuer); origin != "" {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			return nil, err
		}
	}
	return &Pages{Renderer: renderer, Protection: protection}, nil
}

// Write answers with a page, in the language of ui_locales or else of the browser's header.
func (p *Pages) Write(w http.ResponseWriter, r *http.Request, status int, uiLocales string, page pages.Page) error {
	sheet, err := p.Renderer.Render(p.Renderer.Language(uiLocales, r.Header.Get("Accept-Language")), page)
	if err != nil {
		return err
	}
	p.WriteDocument(w, status, sheet)
	return nil
}

// WriteDocument answers with a rendered page.
func (p *Pages) WriteDocument(w http.ResponseWriter, status int, sheet pages.Document) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Language", sheet.Language)
	header.Set("Cache-Control", "no-store")
	header.Set("Vary", "Accept-Language, Cookie")
	header.Set("Content-Security-Policy", contentSecurityPolicy(sheet.Policy))
	header.Set("X-Frame-Options", "DENY") // for browsers without frame-ancestors
	// Other sites learn no address of ours. With no-referrer a form of our own pages would have the
	// Origin null (Fetch §3.2), which the protection refuses if there is no Sec-Fetch-Site.
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", openerPolicy(sheet.Policy))
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
	if sheet.Policy.Refresh != "" {
		header.Set("Refresh", "3; url="+sheet.Policy.Refresh)
	}
	w.WriteHeader(status)
	_, _ = w.Write(sheet.HTML)
}

func contentSecurityPolicy(p pages.Policy) string {
	directives := []string{
		"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "style-src 'self'", "font-src 'self'",
		directive("img-src 'self' data:", p.Images), directive("form-action 'self'", p.FormAction),
	}
	if len(p.Frames) > 0 {
		directives = append(directives, directive("frame-src", p.Frames))
	}
	if p.Script != "" {
		directives = append(directives, "script-src "+p.Script)
	}
	return strings.Join(directives, "; ")
}

func directive(first string, sources []string) string {
	return strings.Join(append([]string{first}, sources...), " ")
}

// openerPolicy keeps the window that opened a sign-in: with same-origin an app that signs in
// by a popup would see it as closed.
func openerPolicy(p pages.Policy) string {
	if p.Popup {
		return "unsafe-none"
	}
	return "same-origin"
}

// Serve is an endpoint for a page or its form: it refuses a request of another site that changes
// something, and its errors are pages.
func (p *Pages) Serve(serve Endpoint) Endpoint {
	return p.Errors(func(w http.ResponseWriter, r *http.Request, n *RequestInfo) error {
		if err := p.Protection.Check(r); err != nil {
			return &statusError{http.StatusForbidden, oauth.Fail(oauth.InvalidRequest, "cross_origin",
				"the form was sent by a page of another site: go back to the page, reload it and send its form again").Because(err)}
		}
		return serve(w, r, n)
	})
}

// Errors is an endpoint that people open, whose errors are pages.
func (p *Pages) Errors(serve Endpoint) Endpoint {
	return func(w http.ResponseWriter, r *http.Request, n *RequestInfo) error {
		err := serve(w, r, n)
		if err == nil {
			return nil
		}
		status, refused := Classify(err)
		if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", retrySeconds(refused))
		}
		page := pages.Error{
			Kind: errorKind(status), Code: string(refused.Code), Description: oauth.DescriptionText(refused.Description), RequestID: telemetry.RequestID(r.Context()),
		}
		_ = p.Write(w, r, status, r.URL.Query().Get("ui_locales"), page) // the first error is returned, for the log
		return err
	}
}

func errorKind(status int) pages.ErrorKind {
	switch status {
	case http.StatusForbidden:
		return pages.ErrorOrigin
	case http.StatusNotFound:
		return pages.ErrorNotFound
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return pages.ErrorUnavailable
	case http.StatusInternalServerError:
		return pages.ErrorServer
	}
	return pages.ErrorRequest
}

// AssetPath is the path of the files that pages load, as a pattern of chi.
const AssetPath = "/assets/{name}"

// Asset is GET /assets/NAME: a file that pages load. Its name changes with its content, so browsers
// may keep it for ever (RFC 8246).
func (p *Pages) Asset(w http.ResponseWriter, r *http.Request, n *RequestInfo) error {
	asset, found := p.Renderer.Asset(path.Base(r.URL.Path))
	if !found {
		return notFound(w, r, n)
	}
	header := w.Header()
	header.Set("Content-Type", asset.Type)
	header.Set("Content-Length", strconv.Itoa(len(asset.Body)))
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox") // for a picture that is opened on its own
	_, _ = w.Write(asset.Body)
	return nil
}

// originOf is the origin of an address of http or https; "": it has none.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
