package remotekeys

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestPost(t *testing.T) {
	form := url.Values{"logout_token": {"a b&c"}}
	p := newPublisher(t)
	var got url.Values
	var kind string
	for name, test := range map[string]struct {
		fetcher *Fetcher
		answer  http.HandlerFunc
		want    string // "": the form is sent
	}{
		"200": {p.trusting(), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }, ""},
		"204": {p.trusting(), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, ""},
		"400": {p.trusting(), func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "the body of the answer", http.StatusBadRequest)
		}, "answers 400"},
		"503":                    {p.trusting(), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, "answers 503"},
		"a redirect on the host": {p.trusting(), func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusSeeOther) }, "redirects with 303"},
		"a redirect that keeps POST": {p.trusting(), func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
		}, "redirects with 307"},
		"an address that is not public":                     {NewFetcher(FetcherOptions{}), nil, "not a public one"},
		"a certificate of an authority that is not trusted": {NewFetcher(FetcherOptions{AllowHosts: []string{"127.0.0.1"}}), nil, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			p.set(func() {
				p.answer = func(w http.ResponseWriter, r *http.Request) {
					_ = r.ParseForm()
					got, kind = r.PostForm, r.Header.Get("Content-Type")
					if r.URL.Path == "/again" || test.answer == nil {
						t.Errorf("it was sent to %s", r.URL.Path)
						return
					}
					test.answer(w, r)
				}
			})
			err := test.fetcher.Post(t.Context(), p.URL+"/logout?secret=hunter2", form)
			if test.want == "" {
				if err != nil || got.Get("logout_token") != "a b&c" || kind != "application/x-www-form-urlencoded" {
					t.Errorf("sent %v as %s: %v", got, kind, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "a+b") || strings.Contains(err.Error(), "the body") {
				t.Errorf("got %v, want an error that says %q", err, test.want)
			}
		})
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	if err := p.trusting().Post(t.Context(), plain.URL, form); err == nil || !strings.Contains(err.Error(), "not https") {
		t.Errorf("over http: %v", err)
	}
}
