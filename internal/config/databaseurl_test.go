package config

import (
	"strings"
	"testing"
)

// The passwords contain every special character, at every position, with different texts around
// them. Every part of a password is marked, and no error may contain one.
func TestAURLWhosePasswordIsNotEscapedIsRefusedUntold(t *testing.T) {
	for _, c := range []struct{ name, url, want string }{
		{"@", "postgres://user:s3cr3t@s3cr3t@host/db", "more than one @"},
		{"@ first", "postgres://user:@s3cr3t@host/db", "more than one @"},
		{"@ last", "postgres://user:s3cr3t@@host/db", "more than one @"},
		{"@ without a user", "postgres://:s3cr3t@s3cr3t@host/db", "more than one @"},
		{"@ of the host and one in a parameter", "postgres://user:p@host/db?password=s3cr3t@s3cr3t", "more than one @"},
		{"@ in a parameter alone", "postgres://host/db?password=s3cr3t@s3cr3t", "comes before the @"},
		{"/", "postgres://user:s3cr3t/s3cr3t@host/db", "comes before the @"},
		{"/ behind digits, which look like a port", "postgres://user:5432/s3cr3t@host/db", "comes before the @"},
		{"/ and nothing else", "postgres://user:/@host/db", "comes before the @"},
		{"#", "postgres://user:s3cr3t#s3cr3t@host/db", "contains a #"},
		{"# behind digits", "postgres://user:5432#s3cr3t@host/db", "contains a #"},
		{"# at the end of the database", "postgres://user:p@host/db#s3cr3t", "contains a #"},
		{"?", "postgres://user:s3cr3t?s3cr3t@host/db", "comes before the @"},
		{"? behind digits", "postgres://user:5432?s3cr3t@host/db", "comes before the @"},
		{"? that looks like a parameter", "postgres://user:5432?a=s3cr3t@host/db", "comes before the @"},
		{"%", "postgres://user:s3cr3t%s3cr3t@host/db", "begins no percent escape"},
		{"% last", "postgres://user:s3cr3t%@host/db", "begins no percent escape"},
		{"% before a single digit", "postgres://user:s3cr3t%4@host/db", "begins no percent escape"},
		{"% in a parameter", "postgres://user:p@host/db?password=s3cr3t%zz", "begins no percent escape"},
		{"the escape of NUL", "postgres://user:s3cr3t%00@host/db", "%00"},
		{"a space", "postgres://user:s3cr3t s3cr3t@host/db", "%20"},
		{"a line break", "postgres://user:s3cr3t\n@host/db", "control character"},
		{"a tab", "postgres://user:s3cr3t\t@host/db", "control character"},
		{"the @ was forgotten", "postgres://user:s3cr3t/db", "a host or a port is none"},
		{"the @ was forgotten, and the host is there", "postgres://user:s3cr3thost:5432/db", "a host or a port is none"},
		{"a port out of range", "postgres://user:s3cr3t@host:65536/db", "a host or a port is none"},
		{"port zero", "postgres://user:s3cr3t@host:0/db", "a host or a port is none"},
		{"a host of two ports", "postgres://user:s3cr3t@host:1:2/db", "a host or a port is none"},
		{"an address of IPv6 without brackets", "postgres://user:s3cr3t@::1/db", "a host or a port is none"},
		{"a bracket that stays open", "postgres://user:s3cr3t@[::1/db", "a host or a port is none"},
		{"a host in quotes", `postgres://user:s3cr3t@"host"/db`, "a host or a port is none"},
		{"a parameter without a value", "postgres://user:s3cr3t@host/db?sslmode", "NAME=VALUE"},
		{"a parameter of two values", "postgres://user:p@host/db?password=s3cr3t=s3cr3t", "NAME=VALUE"},
		{"a parameter without a name", "postgres://user:p@host/db?=s3cr3t", "NAME=VALUE"},
		{"an & in the password of a parameter", "postgres://host/db?user=u&password=s3cr3t&s3cr3t", "NAME=VALUE"},
		{"no scheme", "user:s3cr3t@host/db", "begins with neither"},
		{"a scheme in capitals", "POSTGRES://user:s3cr3t@host/db", "begins with neither"},
		{"the form of keywords", "host=host password=s3cr3t", "begins with neither"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := complete(t, Serve, nil, proper("AUTHSERVER_DATABASE_URL="+c.url)...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("Complete returned %v, want %q", err, c.want)
			}
			for _, piece := range []string{"s3cr3t", "user", "5432"} {
				if strings.Contains(strings.NewReplacer("a user name", "", "USER", "").Replace(err.Error()), piece) {
					t.Errorf("the error tells %q of the URL: %v", piece, err)
				}
			}
		})
	}
}

func TestURLsThatAreEscapedAreTaken(t *testing.T) {
	for _, url := range []string{
		"postgres://user:p%40s%2Fs%23s%3Fs%25s@host/db",
		"postgres://user:p:a:s:s@host/db", // the text after the first colon has only one meaning
		"postgres://user:!$&'()*+,;=-._~@host/db",
		"postgres://user:pässword@host/db",
		"postgres://user@host",
		"postgres://host",
		"postgres://:p@host/db",
		"postgres://@host/db",
		"postgres://user:p@[::1]:5432,[fe80::1%25eth0]/db",
		"postgres://user:p@a,b:5433,c/db?target_session_attrs=read-write&pool_max_conns=4",
		"postgres://%2Frun%2Fpostgresql:5433/db",
		"postgres:///db?host=/run/postgresql&user=u&password=p%40ss",
		"postgres://user:p@host:/db?",
		"postgresql://user:p@host_with_underscore/db?sslrootcert=/etc/ssl/a.pem&search_path=a,b",
	} {
		if _, err := complete(t, Serve, nil, proper("AUTHSERVER_DATABASE_URL="+url)...); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}
