package verifier

import (
	"context"
	"errors"
	"net/http"
)

// tokenKey is the key of the context under which Middleware stores the token of a request.
type tokenKey struct{}

// FromContext returns the token that [Verifier.Middleware] has verified, and whether there is
// one.
func FromContext(ctx context.Context) (*Token, bool) {
	t, ok := ctx.Value(tokenKey{}).(*Token)
	return t, ok
}

// Middleware passes on requests with a valid token that has everything required. It answers
// other requests with a challenge (RFC 6750 §3, RFC 9449 §7.1).
func (v *Verifier) Middleware(need Requirements) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t, err := v.VerifyRequest(r)
			if err == nil {
				err = t.Allows(need)
			}
			if err != nil {
				v.answer(w, r, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, t)))
		})
	}
}

func (v *Verifier) answer(w http.ResponseWriter, r *http.Request, err error) {
	v.o.Log.InfoContext(r.Context(), "access token refused", "error", err)
	w.Header().Set("Cache-Control", "no-store")
	refused := (*Error)(nil)
	if !errors.As(err, &refused) {
		w.Header().Set("Retry-After", "5")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_, isDPoP, _ := presented(r) // only the scheme: the rest may be wrong
	for _, challenge := range refused.challenges(v.audience, v.o.ProofAlgorithms, !v.o.NoDPoP, isDPoP) {
		w.Header().Add("WWW-Authenticate", challenge)
	}
	w.WriteHeader(refused.Status)
}
