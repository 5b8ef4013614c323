package passwords

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPolicyAccepts(t *testing.T) {
	for _, c := range []struct {
		name, password string
		policy         Policy
	}{
		{"eight characters", "xkq7 vfz", Policy{}},
		{"eight characters of several bytes", "пароль1ж", Policy{}},
		{"64 characters (NIST SP 800-63B-4 §3.1.1.2: at least so many are taken)", strings.Repeat("xkq7 vfz", 8), Policy{}},
		{"1,024 bytes", strings.Repeat("xkq7 vfz", 128), Policy{}},
		{"letters alone (§3.1.1.2: no rules of composition)", "qvxkzjwpfhg", Policy{}},
		{"as many as are asked for", "xkq7 vfz 012345", Policy{MinCharacters: 15}},
		{"a common word inside of a longer password", "wonderland of xkq7", Policy{}},
		{"the password of the demo", "wonderland", Policy{AllowCommon: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := c.policy.Check(c.password, "alice"); err != nil || got != c.password {
				t.Errorf("Check(%q) = %q, %v", c.password, got, err)
			}
		})
	}
}

func TestPolicyRefuses(t *testing.T) {
	for _, c := range []struct {
		name, password, want string
		policy               Policy
		reason               Reason
	}{
		{"seven characters", "xkq7 vf", "at least 8 characters", Policy{}, TooShort},
		{"seven characters in fourteen bytes", "éèêëāūī", "at least 8 characters", Policy{}, TooShort},
		{"eight code points that compose to seven", "e\u0301xkq7 v", "at least 8 characters", Policy{}, TooShort},
		{"fewer than 8 where fewer are set (NIST SP 800-63B-4 §3.1.1.2)", "xkq7 vf", "at least 8 characters", Policy{MinCharacters: 6}, TooShort},
		{"one less than is set", "xkq7 vfz 01234", "at least 15 characters", Policy{MinCharacters: 15}, TooShort},
		{"1,025 bytes", strings.Repeat("x", 1025), "longer than 1024 bytes", Policy{}, TooLong},
		{"a control character", "xkq7\tvfz", "control characters", Policy{}, Malformed},
		{"the most common", "password", "100,000 most common", Policy{}, Common},
		{"the most common of digits", "12345678", "choose another", Policy{}, Common},
		{"a common one in upper case", "SUNSHINE", "100,000 most common", Policy{}, Common},
		{"the most common in mixed case", "iLoveYou1", "100,000 most common", Policy{}, Common},
		{"a rare one of the list", "wonderland", "100,000 most common", Policy{}, Common},
		{"the first of the list", first(t), "100,000 most common", Policy{}, Common},
		{"the last of the list", last(t), "100,000 most common", Policy{}, Common},
		{"the name of the user", "Alice.Liddell", "a name of the user", Policy{}, Common},
		{"the name of the user, even of the demo", "alice.liddell", "a name of the user", Policy{AllowCommon: true}, Common},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.policy.Check(c.password, "", "alice.liddell")
			refused := (*PolicyError)(nil)
			if !errors.As(err, &refused) || refused.Reason != c.reason || !strings.Contains(err.Error(), c.want) || got != "" {
				t.Fatalf("Check(%q) = %q, %v; want %s: %q", c.password, got, err, c.reason, c.want)
			}
			if c.reason == Common && c.password != "password" && strings.Contains(strings.ToLower(err.Error()), strings.ToLower(c.password)) {
				t.Error("the error repeats the password")
			}
		})
	}
}

// list returns the common passwords.
func list(t *testing.T) []string {
	t.Helper()
	unpacked, err := gzip.NewReader(bytes.NewReader(mostCommon))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	lines := bufio.NewScanner(unpacked)
	for lines.Scan() {
		all = append(all, lines.Text())
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func first(t *testing.T) string { return list(t)[0] }
func last(t *testing.T) string  { all := list(t); return all[len(all)-1] }

// The search ends at the first line that sorts after the password.
func TestListOfCommonPasswordsIsSorted(t *testing.T) {
	all := list(t)
	if len(all) != 38_452 || !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("%d lines, sorted: %v", len(all), slices.IsSorted(all))
	}
	for _, line := range all {
		if utf8.RuneCountInString(line) < MinCharacters || line != strings.ToLower(line) {
			t.Errorf("%q is no password of the list", line)
		}
	}
}

// Looking up a password takes less memory than one bcrypt, and keeps none.
func TestLookUpOfCommonPasswordsIsSmall(t *testing.T) {
	if got := testing.Benchmark(BenchmarkCommon).AllocedBytesPerOp(); got > 256<<10 {
		t.Errorf("it takes %d bytes", got)
	}
}

func BenchmarkCommon(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if common, err := isCommon("zzzzzzzzzzzzzzzzzzzzzzz"); common || err != nil {
			b.Fatal(common, err)
		}
	}
}
