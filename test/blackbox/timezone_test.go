package blackbox

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"authserver/test/harness"
)

// A9: the database's local time zone changes nothing, neither for what expires nor for what was
// used before. The test runs alone, because the grace is three seconds.
func TestDatabaseInAnotherTimeZone(t *testing.T) {
	for _, zone := range []string{"Etc/GMT+8", "Etc/GMT-8"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			d := harness.PostgreSQL(t)
			d.Set("REFRESH_GRACE", "3s")
			f := register(t, d)
			target, err := url.Parse(f.DatabaseURL())
			if err != nil {
				t.Fatal(err)
			}
			query := target.Query()
			query.Set("timezone", zone)
			target.RawQuery = query.Encode()
			d.Set("DATABASE_URL", target.String())
			s := f.Start()
			assertion := f.byKey(t, nil)
			s.MustToken(t, harness.Credentials{}, bearer(assertion))
			wantError(t, s.Token(t, harness.Credentials{}, bearer(assertion)), http.StatusBadRequest, "invalid_grant")
			first := s.MustToken(t, f.web, login())
			second := s.MustToken(t, f.web, refresh(first.Text("refresh_token")))
			s.MustToken(t, f.web, refresh(first.Text("refresh_token"))) // within the grace
			time.Sleep(3100 * time.Millisecond)                         // and after it
			wantError(t, s.Token(t, f.web, refresh(first.Text("refresh_token"))), http.StatusBadRequest, "invalid_grant")
			if s.Active(t, f.web, second.Text("access_token")) {
				t.Error("the reuse did not revoke the family's access tokens")
			}
		})
	}
}
