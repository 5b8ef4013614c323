package oauth

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const formType = "application/x-www-form-urlencoded"

func TestParseForm(t *testing.T) {
	form, err := ParseForm(formType+"; charset=UTF-8", []byte("grant_type=password&scope=a+b&empty=&resource=https%3A%2F%2Fa.example&resource=https://b.example&resource=https://a.example"))
	if err != nil {
		t.Fatal(err)
	}
	if got := form.Get("scope"); got != "a b" {
		t.Errorf("scope is %q, want \"a b\"", got)
	}
	if form.Has("empty") {
		t.Error("a parameter without a value counts as given (RFC 6749 section 3.2: as omitted)")
	}
	if diff := cmp.Diff([]string{"https://a.example", "https://b.example"}, form.Resources()); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
}

func TestParseFormRefuses(t *testing.T) {
	tests := []struct {
		name, contentType, body string
		code                    Code
		reason                  string
	}{
		{"another content type", "application/json", "{}", InvalidRequest, "content_type"},
		{"no content type", "", "a=b", InvalidRequest, "content_type"},
		{"another charset", formType + "; charset=latin1", "a=b", InvalidRequest, "content_type"},
		{"a repeated parameter", formType, "a=b&a=c", InvalidRequest, "repeated_parameter"},
		{"a parameter repeated with no value", formType, "a=b&a=", InvalidRequest, "repeated_parameter"},
		{"a repeated parameter in another spelling", formType, "a=b&%61=c", InvalidRequest, "repeated_parameter"},
		{"a bad escape", formType, "a=%zz", InvalidRequest, "malformed_escape"},
		{"invalid UTF-8", formType, "a=%ff", InvalidRequest, "invalid_utf8"},
		{"NUL", formType, "a=%00", InvalidRequest, "nul"},
		{"an array parameter", formType, "scope[0]=a", InvalidRequest, "bracketed_parameter"},
		{"an unnamed parameter", formType, "a=b&&c=d", InvalidRequest, "unnamed_parameter"},
		{"too many parameters", formType, strings.Repeat("a=b&", MaxFormFields) + "c=d", InvalidRequest, "too_many_fields"},
		{"a body too large", formType, "a=" + strings.Repeat("b", MaxFormBytes), InvalidRequest, "body_too_large"},
		{"a relative resource", formType, "resource=api", InvalidTarget, "resource_malformed"},
		{"a resource with a fragment", formType, "resource=https://a.example%23f", InvalidTarget, "resource_malformed"},
		{"too many resources", formType, "resource=https://a.example/" + strings.Join(strings.Split("0123456789a", ""), "&resource=https://a.example/"), InvalidTarget, "too_many_resources"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseForm(test.contentType, []byte(test.body))
			var refused *Error
			if !errors.As(err, &refused) {
				t.Fatalf("ParseForm returned %v, want an Error", err)
			}
			if refused.Code != test.code || refused.Reason != test.reason {
				t.Errorf("refused with %s (%s), want %s (%s)", refused.Code, refused.Reason, test.code, test.reason)
			}
		})
	}
}

// What ParseForm accepts, the standard library reads alike: nothing is seen here
// that another reader of the same body would not see.
func FuzzParseForm(f *testing.F) {
	for _, seed := range []string{"grant_type=client_credentials", "a=%20+b&c", "a;b=c", "resource=https://a.example", "=", "&", "a=%", "scope%5B%5D=x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		form, err := ParseForm(formType, []byte(body))
		if err != nil {
			return
		}
		values, err := url.ParseQuery(body)
		if err != nil {
			if strings.Contains(body, ";") { // the standard library refuses the separator of old
				return
			}
			t.Fatalf("accepted what the standard library refuses: %v", err)
		}
		for name, all := range values {
			if name != "resource" && (len(all) != 1 || form.Get(name) != all[0]) {
				t.Errorf("%q reads %q, and %q in the standard library", name, form.Get(name), all)
			}
		}
	})
}
