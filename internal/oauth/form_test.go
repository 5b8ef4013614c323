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
	form, err := ParseForm(formType+"; charset=UTF-8", "grant_type=password&scope=a+b&empty=&resource=https%3A%2F%2Fa.example&resource=https://b.example&resource=https://a.example")
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

// Under any name of the parameter, a resource is the same resource, once.
func TestParseFormResources(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       []string
	}{
		{"none", "a=b", nil},
		{"an empty one of each", "resource=&audience=", nil},
		{"an audience", "audience=https://a.example", []string{"https://a.example"}},
		{"an audience that is no URI", "audience=rabbitmq", []string{"rabbitmq"}},
		{"a resource that is no URI", "resource=my-api", []string{"my-api"}},
		{"several audiences", "audience=a&audience=b", []string{"a", "b"}},
		{"several in one, as clients of Hydra send them", "audience=a+b%20c", []string{"a", "b", "c"}},
		{"blanks around them", "audience=++a++b+", []string{"a", "b"}},
		{"both kinds, in the order in which they come", "audience=b&resource=a&audience=c", []string{"b", "a", "c"}},
		{"the same by both names", "resource=a&audience=a", []string{"a"}},
		{"the same again and again", "audience=a&audience=a+a&resource=a", []string{"a"}},
		{"one that repeats counts once", "audience=a&audience=b&audience=c&audience=d&audience=e&audience=f&audience=g&audience=h&audience=i&audience=j&resource=a", strings.Split("abcdefghij", "")},
		{"signs and other scripts", "resource=api:%2F/x?y%3D1%26z&audience=b%C3%BCcher%2F%E6%9C%AC", []string{"api://x?y=1&z", "bücher/本"}},
		{"a number sign in what is no URI", "audience=a%23b", []string{"a#b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			form, err := ParseForm(formType, test.body)
			if diff := cmp.Diff(test.want, form.Resources()); diff != "" || err != nil {
				t.Errorf("%v, resources (-want +got):\n%s", err, diff)
			}
		})
	}
}

// An empty part between two ampersands is not a parameter.
func TestParseFormWithoutAParameterBetween(t *testing.T) {
	for _, body := range []string{"a=b&&c=d", "&a=b&c=d", "a=b&c=d&", "&&&a=b&&c=d&&"} {
		form, err := ParseForm(formType, body)
		if err != nil || form.Get("a") != "b" || form.Get("c") != "d" {
			t.Errorf("%q: a=%q c=%q (%v)", body, form.Get("a"), form.Get("c"), err)
		}
	}
	for _, body := range []string{"", "&", "&&&"} {
		if form, err := ParseForm(formType, body); err != nil || form.Has("a") {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// A form is in the charset that the client names; ASCII is the same in each.
func TestParseFormCharsets(t *testing.T) {
	for _, test := range []struct{ name, parameters, body, want string }{
		{"none", "", "p=p%C3%A4ss", "päss"},
		{"UTF-8", "; charset=UTF-8", "p=p%C3%A4ss", "päss"},
		{"UTF-8 raw", "; charset=UTF-8", "p=päss", "päss"},
		{"UTF-8 in quotes", `; charset="utf-8"`, "p=p%C3%A4ss", "päss"},
		{"UTF-8 in single quotes", `; charset='utf-8'`, "p=p%C3%A4ss", "päss"},
		{"UTF-8 without its dash", `; charset=UTF8`, "p=p%C3%A4ss", "päss"},
		{"UTF-8 in upper case throughout", "; CHARSET=UTF-8", "p=p%C3%A4ss", "päss"},
		{"UTF-8 twice", "; charset=UTF-8; charset=utf-8", "p=p%C3%A4ss", "päss"},
		{"UTF-8 with something beside", "; charset=UTF-8; boundary=x", "p=p%C3%A4ss", "päss"},
		{"a semicolon behind", ";", "p=p%C3%A4ss", "päss"},
		{"ISO-8859-1 with ASCII, as Apache HttpClient has it", "; charset=ISO-8859-1", "p=pass", "pass"},
		{"ISO-8859-1 in escapes", "; charset=ISO-8859-1", "p=p%E4ss%FF%A0", "päss\u00ff\u00a0"},
		{"ISO-8859-1 raw", "; charset=ISO-8859-1", "p=p\xe4ss", "päss"},
		{"ISO-8859-1 in quotes", `; charset="iso-8859-1"`, "p=p%e4ss", "päss"},
		{"ISO-8859-1 by another name", "; charset=latin1", "p=p%e4ss", "päss"},
		{"ISO-8859-1 without spaces", ";charset=ISO-8859-1", "p=p%e4ss", "päss"},
		{"what is UTF-8 by chance", "; charset=ISO-8859-1", "p=%C3%A4", "Ã¤"},
		{"US-ASCII", "; charset=US-ASCII", "p=a+b%21", "a b!"},
		{"windows-1252 with ASCII", "; charset=windows-1252", "p=pass", "pass"},
		{"Shift_JIS with ASCII", "; charset=Shift_JIS", "p=pass", "pass"},
		{"GB18030 with ASCII", "; charset=GB18030", "p=pass", "pass"},
		{"an unknown charset with ASCII", "; charset=klingon", "p=pass", "pass"},
		{"a charset without a name", `; charset=""`, "p=pass", "pass"},
	} {
		t.Run(test.name, func(t *testing.T) {
			form, err := ParseForm(formType+test.parameters, test.body)
			if err != nil || form.Get("p") != test.want {
				t.Errorf("read %q (%v), want %q", form.Get("p"), err, test.want)
			}
		})
	}
	form, err := ParseForm("Application/X-WWW-Form-URLEncoded", "p=p%C3%A4ss")
	if err != nil || form.Get("p") != "päss" {
		t.Errorf("of a content type in another case %q is read (%v)", form.Get("p"), err)
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
		{"two charsets", formType + "; charset=utf-8; charset=iso-8859-1", "a=b", InvalidRequest, "content_type"},
		{"a content type that begins like one of a form", formType + "-x", "a=b", InvalidRequest, "content_type"},
		{"a charset without ASCII", formType + "; charset=UTF-16", "a=b", InvalidRequest, "charset"},
		{"a charset without ASCII of another name", formType + "; charset=UTF-16LE", "a=b", InvalidRequest, "charset"},
		{"a charset of shifts", formType + "; charset=iso-2022-jp", "a=b", InvalidRequest, "charset"},
		{"UTF-7", formType + "; charset=UTF-7", "a=b", InvalidRequest, "charset"},
		{"EBCDIC", formType + "; charset=IBM037", "a=b", InvalidRequest, "charset"},
		{"more than ASCII in windows-1252", formType + "; charset=windows-1252", "a=%e4", InvalidRequest, "charset"},
		{"more than ASCII in windows-1252, raw", formType + "; charset=windows-1252", "a=\xe4", InvalidRequest, "charset"},
		{"UTF-8 that is called US-ASCII", formType + "; charset=us-ascii", "a=%c3%a4", InvalidRequest, "charset"},
		{"more than ASCII in a charset without a name", formType + `; charset=""`, "a=%c3%a4", InvalidRequest, "charset"},
		{"more than ASCII in the name of a parameter", formType + "; charset=koi8-r", "\xc1=b", InvalidRequest, "charset"},
		{"windows-1252 that is called ISO-8859-1", formType + "; charset=iso-8859-1", "a=%80", InvalidRequest, "charset"},
		{"NUL in ISO-8859-1", formType + "; charset=iso-8859-1", "a=%00", InvalidRequest, "nul"},
		{"ISO-8859-1 that is called UTF-8", formType + "; charset=UTF-8", "a=%e4", InvalidRequest, "invalid_utf8"},
		{"a parameter that is repeated in ISO-8859-1 and in escapes", formType + "; charset=iso-8859-1", "\xe4=b&%e4=c", InvalidRequest, "repeated_parameter"},
		{"a repeated parameter", formType, "a=b&a=c", InvalidRequest, "repeated_parameter"},
		{"a parameter repeated with no value", formType, "a=b&a=", InvalidRequest, "repeated_parameter"},
		{"a repeated parameter in another spelling", formType, "a=b&%61=c", InvalidRequest, "repeated_parameter"},
		{"a bad escape", formType, "a=%zz", InvalidRequest, "malformed_escape"},
		{"invalid UTF-8", formType, "a=%ff", InvalidRequest, "invalid_utf8"},
		{"NUL", formType, "a=%00", InvalidRequest, "nul"},
		{"an array parameter", formType, "scope[0]=a", InvalidRequest, "bracketed_parameter"},
		{"an unnamed parameter", formType, "a=b&=x&c=d", InvalidRequest, "unnamed_parameter"},
		{"an unnamed parameter without a value", formType, "a=b&=", InvalidRequest, "unnamed_parameter"},
		{"a parameter that is repeated beyond an empty one", formType, "a=b&&a=c", InvalidRequest, "repeated_parameter"},
		{"too many parameters", formType, strings.Repeat("a=b&", MaxFormFields) + "c=d", InvalidRequest, "too_many_fields"},
		{"too many parameters, all of them empty", formType, strings.Repeat("&", MaxFormFields), InvalidRequest, "too_many_fields"},
		{"a body too large", formType, "a=" + strings.Repeat("b", MaxFormBytes), InvalidRequest, "body_too_large"},
		{"a resource with a line break", formType, "resource=a%0Ab", InvalidTarget, "resource_malformed"},
		{"a resource with a tab", formType, "resource=a%09b", InvalidTarget, "resource_malformed"},
		{"a resource with a blank that does not break", formType, "resource=a%C2%A0b", InvalidTarget, "resource_malformed"},
		{"a resource with a character without width", formType, "resource=a%E2%80%8Bb", InvalidTarget, "resource_malformed"},
		{"a resource that turns the direction of text", formType, "resource=a%E2%80%AEb", InvalidTarget, "resource_malformed"},
		{"a resource too long", formType, "resource=" + strings.Repeat("a", MaxResourceLength+1), InvalidTarget, "resource_malformed"},
		{"an audience with a fragment", formType, "audience=https://a.example%23f", InvalidTarget, "resource_malformed"},
		{"an audience with a control character", formType, "audience=a%7F", InvalidTarget, "resource_malformed"},
		{"a resource with a fragment", formType, "resource=https://a.example%23f", InvalidTarget, "resource_malformed"},
		{"too many resources", formType, "resource=https://a.example/" + strings.Join(strings.Split("0123456789a", ""), "&resource=https://a.example/"), InvalidTarget, "too_many_resources"},
		{"too many resources and audiences", formType, "resource=a&audience=b&resource=c&audience=d&resource=e&audience=f&resource=g&audience=h&resource=i&audience=j&resource=k", InvalidTarget, "too_many_resources"},
		{"too many in one audience", formType, "audience=a+b+c+d+e+f+g+h+i+j+k", InvalidTarget, "too_many_resources"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseForm(test.contentType, test.body)
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

// The standard library reads everything that ParseForm accepts in the same way, so no other reader
// of the same body sees anything else.
func FuzzParseForm(f *testing.F) {
	for _, seed := range []string{"grant_type=client_credentials", "a=%20+b&c", "a;b=c", "resource=https://a.example", "=", "&", "a=%", "scope%5B%5D=x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		form, err := ParseForm(formType, body)
		if err != nil {
			return
		}
		values, err := url.ParseQuery(body)
		if err != nil {
			if strings.Contains(body, ";") { // the standard library refuses this old separator
				return
			}
			t.Fatalf("accepted what the standard library refuses: %v", err)
		}
		for name, all := range values {
			if name != "resource" && name != "audience" && (len(all) != 1 || form.Get(name) != all[0]) {
				t.Errorf("%q reads %q, and %q in the standard library", name, form.Get(name), all)
			}
		}
	})
}
