package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// unusable says why pgx refuses a URL. pgx's own error quotes the URL, and can leave out the
// password only if it can find it. The error names a parameter if the URL is valid without it.
func unusable(url string) error {
	rest, query, _ := strings.Cut(url, "?")
	parameters := strings.Split(query, "&")
	for i, parameter := range parameters {
		others := slices.Delete(slices.Clone(parameters), i, i+1)
		if _, err := pgxpool.ParseConfig(rest + "?" + strings.Join(others, "&")); err != nil {
			continue
		}
		if name, _, _ := strings.Cut(parameter, "="); slices.Contains(parametersChecked(), name) {
			return fmt.Errorf("the URL cannot be used: its parameter %s has a value that is not known, or names a file that cannot be read", name)
		}
	}
	return errors.New("the URL cannot be used: write postgres://USER:PASSWORD@HOST/NAME?PARAMETER=VALUE, and special characters as percent escapes")
}

// parametersChecked returns the parameters whose values pgx checks before it connects.
func parametersChecked() []string {
	return []string{
		"sslmode", "sslcert", "sslkey", "sslrootcert", "sslpassword", "sslcertmode", "sslnegotiation", "sslsni",
		"channel_binding", "require_auth", "min_protocol_version", "max_protocol_version",
		"connect_timeout", "target_session_attrs", "host", "port", "service", "servicefile",
		"default_query_exec_mode", "statement_cache_capacity", "description_cache_capacity",
		"pool_max_conns", "pool_min_conns", "pool_min_idle_conns", "pool_max_conn_lifetime", "pool_max_conn_idle_time",
		"pool_health_check_period", "pool_max_conn_lifetime_jitter", "pool_ping_timeout",
	}
}
