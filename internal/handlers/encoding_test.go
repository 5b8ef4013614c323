package handlers

import "testing"

func TestPrefersGzip(t *testing.T) {
	for _, test := range []struct {
		name   string
		fields []string
		want   bool
	}{
		{"no field", nil, false},
		{"an empty field wants no coding", []string{""}, false},
		{"gzip", []string{"gzip"}, true},
		{"gzip in capitals", []string{"GZIP"}, true},
		{"gzip by its old name", []string{"x-gzip"}, true},
		{"what a browser sends", []string{"gzip, deflate, br, zstd"}, true},
		{"gzip last", []string{"br,gzip"}, true},
		{"gzip in a second field", []string{"br", "deflate, gzip"}, true},
		{"another coding alone", []string{"br"}, false},
		{"a coding that begins alike", []string{"gzipped, gzi"}, false},
		{"identity", []string{"identity"}, false},
		{"anything", []string{"*"}, true},
		{"anything else", []string{"br;q=1.0, *;q=0.5"}, true},
		{"anything but gzip", []string{"gzip;q=0, *"}, false},
		{"nothing at all is disregarded", []string{"*;q=0"}, false},
		{"gzip refused", []string{"gzip;q=0"}, false},
		{"gzip refused with decimals", []string{"gzip;q=0.000"}, false},
		{"gzip at the least weight", []string{"gzip;q=0.001"}, true},
		{"gzip at full weight", []string{"gzip;q=1.000"}, true},
		{"identity refused, and gzip not listed, is disregarded", []string{"identity;q=0"}, false},
		{"identity refused and gzip listed", []string{"identity;q=0, gzip;q=0.1"}, true},
		{"identity refused and anything else", []string{"*, identity;q=0"}, true},
		{"gzip alone but *", []string{"*;q=0, gzip;q=0.3"}, true},
		{"identity rather than gzip", []string{"gzip;q=0.5, identity"}, false},
		{"gzip rather than identity", []string{"identity;q=0.5, gzip;q=0.501"}, true},
		{"both alike", []string{"identity, gzip"}, true},
		{"identity by * rather than gzip", []string{"gzip;q=0.2, *;q=0.8"}, false},
		{"gzip rather than identity by *", []string{"gzip;q=0.8, *;q=0.2"}, true},
		{"white space and a capital Q", []string{" \tgzip ;\tQ=0.5 "}, true},
		{"empty elements", []string{",, gzip,"}, true},
		{"a point without decimals", []string{"gzip;q=1."}, true},
		{"a weight above one is malformed", []string{"gzip;q=1.001"}, false},
		{"a weight of two is malformed", []string{"gzip;q=2"}, false},
		{"four decimals are malformed", []string{"gzip;q=0.1234"}, false},
		{"a sign is malformed", []string{"gzip;q=+.5"}, false},
		{"a negative weight is malformed", []string{"gzip;q=-.5"}, false},
		{"a point alone is malformed", []string{"gzip;q=."}, false},
		{"no weight is malformed", []string{"gzip;q="}, false},
		{"a word is malformed", []string{"gzip;q=high"}, false},
		{"not a number is malformed", []string{"gzip;q=NaN"}, false},
		{"another parameter is malformed", []string{"gzip;level=9"}, false},
		{"a second parameter is malformed", []string{"gzip;q=1;level=9"}, false},
		{"a malformed element leaves the others", []string{"br;q=x, gzip"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := prefersGzip(test.fields); got != test.want {
				t.Errorf("prefersGzip(%q) = %v, want %v", test.fields, got, test.want)
			}
		})
	}
}
