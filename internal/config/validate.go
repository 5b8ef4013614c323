package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// validate returns all faults. Secrets have been read by then.
func (s Settings) validate(mode Mode) (faults []error) {
	for _, err := range []error{
		checkIssuer(s.Issuer, mode),
		s.checkDatabaseURL(mode),
		s.checkMasterKey(mode),
		s.checkPKCS11(),
		s.checkTLS(mode),
		s.checkProxies(mode),
		checkAddress("listen", s.Listen),
		checkAddress("ops-listen", s.OpsListen),
		s.checkAddressesDiffer(),
		s.checkLifetimes(),
		checkLogFormat(s.LogFormat),
	} {
		if err != nil {
			faults = append(faults, err)
		}
	}
	return append(faults, s.checkBounds()...)
}

// checkIssuer holds the issuer to RFC 8414 §2: it MUST be an https URL without
// query and fragment. Plain http is for this machine alone, and for dev.
func checkIssuer(issuer string, mode Mode) error {
	if issuer == "" && mode == Serve {
		return errors.New("issuer is missing: set --issuer or AUTHSERVER_ISSUER to the https URL by which clients know this server, such as https://auth.example.com")
	}
	if issuer == "" {
		return nil
	}
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		// The error would repeat a password in it.
		return errors.New("issuer is not an absolute URL, such as https://auth.example.com")
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("issuer begins with %s: it must begin with https", u.Scheme)
	case u.User != nil:
		return errors.New("issuer holds a user name or password: remove it")
	case u.RawQuery != "" || u.ForceQuery:
		return errors.New("issuer has a query (RFC 8414 section 2): remove ? and what follows")
	case strings.Contains(issuer, "#"):
		return errors.New("issuer has a fragment (RFC 8414 section 2): remove # and what follows")
	case u.Scheme == "http" && mode == Serve && !loopback(u.Hostname()):
		return fmt.Errorf("issuer %s is plain http: use https, for http is allowed for localhost and in dev only", issuer)
	}
	return checkIssuerPath(u)
}

// checkIssuerPath wants a path that everybody spells alike: the endpoints are served below
// it, and clients, proxies and this server compare it.
func checkIssuerPath(u *url.URL) error {
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	if path == "" {
		return nil
	}
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-._~@:+", c)
	}
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if segment == "" || segment == "." || segment == ".." || strings.ContainsFunc(segment, func(c rune) bool { return !plain(c) }) {
			return errors.New("issuer has a path that not everybody spells alike: write segments of letters, digits and -._~@:+ with one slash between them, such as https://example.com/auth")
		}
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func (s Settings) checkMasterKey(mode Mode) error {
	if s.MasterKeyURL != "" {
		return nil // whoever opens it looks at it
	}
	if s.MasterKey.Empty() && (mode != Serve || s.MasterKeyFile != "") {
		return nil // a file that could not be read is a fault already
	}
	_, err := s.ParsedMasterKey()
	return err
}

func (s Settings) checkPKCS11() error {
	set := []string{s.PKCS11Module, s.PKCS11Token, s.PKCS11PINFile}
	given := slices.DeleteFunc(slices.Clone(set), func(v string) bool { return v == "" })
	switch {
	case len(given) == 0:
		return nil
	case len(given) < len(set):
		return errors.New("of pkcs11-module, pkcs11-token and pkcs11-pin-file one is missing: a token needs all three")
	}
	return nil
}

func checkAddress(setting, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s is %q: write HOST:PORT, such as 127.0.0.1:8080, or :8080 for every address of this machine", setting, address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%s is %q: the port must be a number from 0 to 65535", setting, address)
	}
	return nil
}

func (s Settings) checkAddressesDiffer() error {
	anyPort := strings.HasSuffix(s.Listen, ":0") // the system gives each another
	if s.Listen != s.OpsListen || anyPort {
		return nil
	}
	return fmt.Errorf("listen and ops-listen are both %s: give ops-listen a port of its own", s.Listen)
}

func (s Settings) checkLifetimes() error {
	var faults []error
	if s.DefaultAccessTokenTTL > s.MaxAccessTokenTTL {
		faults = append(faults, fmt.Errorf("default-access-token-ttl is %s, longer than max-access-token-ttl, %s: lower the one or raise the other",
			FormatDuration(s.DefaultAccessTokenTTL), FormatDuration(s.MaxAccessTokenTTL)))
	}
	if s.DefaultRefreshIdleTTL > s.DefaultRefreshMaxTTL {
		faults = append(faults, fmt.Errorf("default-refresh-idle-ttl is %s, longer than default-refresh-max-ttl, %s: lower the one or raise the other",
			FormatDuration(s.DefaultRefreshIdleTTL), FormatDuration(s.DefaultRefreshMaxTTL)))
	}
	if s.SessionIdleTTL > s.SessionMaxTTL {
		faults = append(faults, fmt.Errorf("session-idle-ttl is %s, longer than session-max-ttl, %s: lower the one or raise the other",
			FormatDuration(s.SessionIdleTTL), FormatDuration(s.SessionMaxTTL)))
	}
	return errors.Join(faults...)
}

func checkLogFormat(format string) error {
	if format != "json" && format != "text" {
		return fmt.Errorf("log-format is %q: set it to json or text", format)
	}
	return nil
}

// checkBounds holds numbers and durations to what makes sense. The lower bounds
// leave room for tests that live through a rotation in seconds.
func (s Settings) checkBounds() (faults []error) {
	for _, b := range []struct {
		setting          string
		value, low, high int
	}{
		{"max-connections", s.MaxConnections, 1, 1_000_000},
		{"request-queue", s.RequestQueue, 1, 100_000},
		{"bcrypt-cost", s.BcryptCost, 4, 16},
		{"password-workers", s.PasswordWorkers, 0, 1024},
		{"password-queue", s.PasswordQueue, 1, 100_000},
		{"database-max-conns", s.DatabaseMaxConns, 1, 1000},
	} {
		if b.value < b.low || b.value > b.high {
			faults = append(faults, fmt.Errorf("%s is %d: set it to a number from %d to %d", b.setting, b.value, b.low, b.high))
		}
	}
	for _, b := range []struct {
		setting          string
		value, low, high time.Duration
	}{
		{"default-access-token-ttl", s.DefaultAccessTokenTTL, time.Second, 30 * day},
		{"max-access-token-ttl", s.MaxAccessTokenTTL, time.Second, 30 * day},
		{"default-refresh-idle-ttl", s.DefaultRefreshIdleTTL, time.Second, 3650 * day},
		{"default-refresh-max-ttl", s.DefaultRefreshMaxTTL, time.Second, 3650 * day},
		{"refresh-grace", s.RefreshGrace, 0, 5 * time.Minute},
		{"session-idle-ttl", s.SessionIdleTTL, time.Second, 3650 * day},
		{"session-max-ttl", s.SessionMaxTTL, time.Second, 3650 * day},
		{"assertion-max-lifetime", s.AssertionMaxLifetime, time.Second, day},
		{"key-rotation-interval", s.KeyRotationInterval, time.Second, 3650 * day},
		{"jwks-max-age", s.JWKSMaxAge, time.Second, day},
		{"key-poll-interval", s.KeyPollInterval, time.Second, time.Hour},
		{"clock-skew", s.ClockSkew, 0, 10 * time.Minute},
		{"audit-retention", s.AuditRetention, 0, 36500 * day},
		{"drain-delay", s.DrainDelay, 0, 10 * time.Minute},
		{"drain-timeout", s.DrainTimeout, 0, 10 * time.Minute},
	} {
		if b.value < b.low || b.value > b.high {
			faults = append(faults, fmt.Errorf("%s is %s: set it to a duration from %s to %s", b.setting,
				FormatDuration(b.value), FormatDuration(b.low), FormatDuration(b.high)))
		}
	}
	return faults
}
