package remotekeys

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Post sends a form to a URL that others chose, within the same bounds as Fetch. It follows no
// redirect, because the form is only for this address. The error says what failed and on which
// host, and quotes nothing of the form or the answer.
func (f *Fetcher) Post(ctx context.Context, to string, form url.Values) error {
	if err := CheckURL(to, f.http); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("send a form: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := *f.client.Load()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("send to %s: %w", request.URL.Host, inWords(err))
	}
	_ = response.Body.Close() // only the status matters
	switch {
	case response.StatusCode >= 300 && response.StatusCode < 400:
		return fmt.Errorf("send to %s: it redirects with %d: register the URL to which it redirects", request.URL.Host, response.StatusCode)
	case response.StatusCode < 200 || response.StatusCode > 299:
		return fmt.Errorf("send to %s: it answers %d", request.URL.Host, response.StatusCode)
	}
	return nil
}
