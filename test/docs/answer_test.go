package docs

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// In a printed answer, … stands for text that differs each time, or is too long. As the last
// element of an array it stands for further elements, and the order of that array does not matter.
const elided = "…"

// asPrinted returns the differences between an answer and the printed one, by the language of its
// block.
func asPrinted(language, printed, answered string) []string {
	switch language {
	case "json":
		return jsonAsPrinted(printed, answered)
	case "http":
		return httpAsPrinted(printed, answered)
	case "text":
		if !textAsPrinted(strings.TrimSpace(printed), strings.TrimSpace(answered)) {
			return []string{"the text is another"}
		}
		return nil
	}
	return []string{"a printed answer is json, http or text, and not " + language}
}

func textAsPrinted(printed, answered string) bool {
	parts := strings.Split(printed, elided)
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	return regexp.MustCompile(`(?s)^` + strings.Join(parts, `.+`) + `$`).MatchString(answered)
}

// httpAsPrinted compares the status, the body, and the printed headers.
func httpAsPrinted(printed, answered string) []string {
	printedHead, printedBody, _ := strings.Cut(printed, "\n\n")
	head, body, found := strings.Cut(strings.ReplaceAll(answered, "\r\n", "\n"), "\n\n")
	if !found {
		return []string{"it is no answer of HTTP"}
	}
	headers := strings.Split(head, "\n")
	var faults []string
	for i, line := range strings.Split(strings.TrimSpace(printedHead), "\n") {
		if i == 0 && line != strings.TrimSpace(headers[0]) {
			faults = append(faults, fmt.Sprintf("the status is %q, not %q", headers[0], line))
		}
		if i > 0 && !slices.ContainsFunc(headers, func(h string) bool { return textAsPrinted(line, h) }) {
			faults = append(faults, fmt.Sprintf("there is no header %q", line))
		}
	}
	if strings.TrimSpace(printedBody) == "" {
		if body != "" {
			faults = append(faults, "there is a body")
		}
		return faults
	}
	return append(faults, jsonAsPrinted(printedBody, body)...)
}

func jsonAsPrinted(printed, answered string) []string {
	var want, got any
	for text, to := range map[string]*any{printed: &want, answered: &got} {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		if err := decoder.Decode(to); err != nil {
			return []string{fmt.Sprintf("%v in %s", err, text)}
		}
	}
	return differences("", want, got)
}

// differences compares two JSON values member by member. Two numbers that are moments count as
// equal.
func differences(at string, want, got any) []string {
	switch want := want.(type) {
	case map[string]any:
		return objectDifferences(at, want, got)
	case []any:
		return arrayDifferences(at, want, got)
	case string:
		if s, ok := got.(string); ok && textAsPrinted(want, s) {
			return nil
		}
	case json.Number:
		if n, ok := got.(json.Number); ok && (n == want || moment(n) && moment(want)) {
			return nil
		}
	default:
		if want == got {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s is %v, not %v", at, got, want)}
}

func objectDifferences(at string, want map[string]any, got any) []string {
	object, ok := got.(map[string]any)
	if !ok {
		return []string{fmt.Sprintf("%s is %v, not an object", at, got)}
	}
	var faults []string
	for name, value := range want {
		if _, ok := object[name]; !ok {
			faults = append(faults, fmt.Sprintf("%s/%s is missing", at, name))
			continue
		}
		faults = append(faults, differences(at+"/"+name, value, object[name])...)
	}
	for name := range object {
		if _, ok := want[name]; !ok {
			faults = append(faults, fmt.Sprintf("%s/%s is not printed", at, name))
		}
	}
	return faults
}

func arrayDifferences(at string, want []any, got any) []string {
	array, ok := got.([]any)
	if !ok {
		return []string{fmt.Sprintf("%s is %v, not an array", at, got)}
	}
	if len(want) > 0 && want[len(want)-1] == any(elided) {
		for _, value := range want[:len(want)-1] {
			if !slices.ContainsFunc(array, func(g any) bool { return len(differences(at, value, g)) == 0 }) {
				return []string{fmt.Sprintf("%s has nothing like %v", at, value)}
			}
		}
		return nil
	}
	if len(array) != len(want) {
		return []string{fmt.Sprintf("%s has %d elements, not %d", at, len(array), len(want))}
	}
	var faults []string
	for i, value := range want {
		faults = append(faults, differences(fmt.Sprintf("%s/%d", at, i), value, array[i])...)
	}
	return faults
}

// moment reports whether a number is likely to be seconds since the epoch.
func moment(n json.Number) bool {
	seconds, err := n.Int64()
	return err == nil && seconds > 1_000_000_000
}

// TestAsPrinted shows that the comparison finds differences.
func TestAsPrinted(t *testing.T) {
	for _, c := range []struct {
		name, language, printed, answered string
		want                              []string
	}{
		{"the same members", "json", `{"a": "x…", "n": 900, "exp": 1795314393}`, `{"exp":1895314393,"a":"xyz","n":900}`, nil},
		{"a member is missing", "json", `{"a": 1, "b": 2}`, `{"a": 1}`, []string{"/b is missing"}},
		{"a member is new", "json", `{"a": 1}`, `{"a": 1, "b": 2}`, []string{"/b is not printed"}},
		{"a string is another", "json", `{"a": "x…"}`, `{"a": "y"}`, []string{"/a is y, not x…"}},
		{"a number is another", "json", `{"a": 900}`, `{"a": 901}`, []string{"/a is 901, not 900"}},
		{"an array is longer", "json", `{"a": [1]}`, `{"a": [1, 2]}`, []string{"/a has 2 elements, not 1"}},
		{"an array may go on", "json", `{"a": [2, "…"]}`, `{"a": [1, 2]}`, nil},
		{"but has to hold what is printed", "json", `{"a": [3, "…"]}`, `{"a": [1, 2]}`, []string{"/a has nothing like 3"}},
		{"a text with a gap", "text", "good for … s\n", "good for 12 s\n", nil},
		{"another text", "text", "good\n", "bad\n", []string{"the text is another"}},
		{"some of the headers", "http", "HTTP/1.1 401 Unauthorized\nA: x…\n\n{}\n", "HTTP/1.1 401 Unauthorized\r\nB: 1\r\nA: xy\r\n\r\n{}", nil},
		{"another status", "http", "HTTP/1.1 401 Unauthorized\n", "HTTP/1.1 200 OK\r\n\r\n", []string{`the status is "HTTP/1.1 200 OK", not "HTTP/1.1 401 Unauthorized"`}},
		{"a header is missing", "http", "HTTP/1.1 200 OK\nA: x\n", "HTTP/1.1 200 OK\r\n\r\n", []string{`there is no header "A: x"`}},
		{"a body that is not printed", "http", "HTTP/1.1 200 OK\n", "HTTP/1.1 200 OK\r\n\r\n{}", []string{"there is a body"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, asPrinted(c.language, c.printed, c.answered)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
