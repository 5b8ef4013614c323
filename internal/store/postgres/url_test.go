package postgres

import (
	"strings"
	"testing"
)

// The settings refuse most of these URLs before. Here too, no error may show a part of the URL.
func TestAURLThatPgxDoesNotTakeIsNotTold(t *testing.T) {
	for _, test := range []struct{ name, url, want string }{
		{"an escape that is none", "postgres://user:s3cr3t%zz@host/s3cr3t", "percent escapes"},
		{"a port that is none", "postgres://user:s3cr3t/s3cr3t@host/s3cr3t", "percent escapes"},
		{"a parameter without a value", "postgres://user:s3cr3t@host/s3cr3t?s3cr3t", "percent escapes"},
		{"a mode of TLS that is none", "postgres://user:s3cr3t@host/s3cr3t?sslmode=s3cr3t&connect_timeout=3", "its parameter sslmode"},
		{"a file that is not there", "postgres://user:s3cr3t@host/s3cr3t?sslmode=verify-full&sslrootcert=/s3cr3t.pem", "its parameter sslrootcert"},
		{"a size that is none", "postgres://user:s3cr3t@host/s3cr3t?pool_max_conns=s3cr3t", "its parameter pool_max_conns"},
		{"a timeout that is none", "postgres://user:s3cr3t@host/s3cr3t?a=b&connect_timeout=s3cr3t", "its parameter connect_timeout"},
		{"two that are none", "postgres://user:s3cr3t@host/s3cr3t?sslmode=s3cr3t&connect_timeout=s3cr3t", "percent escapes"},
		{"keywords", "host=s3cr3t port=s3cr3t password='s3cr3t", "percent escapes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Open(t.Context(), Options{URL: test.url})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("Open returned %v, want %q", err, test.want)
			}
			if strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), "user:") {
				t.Errorf("the error tells a piece of the URL: %v", err)
			}
		})
	}
}
