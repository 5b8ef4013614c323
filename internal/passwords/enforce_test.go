package passwords

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestEnforceAccepts(t *testing.T) {
	for _, c := range []struct{ name, password, want string }{
		{"one character is enough to compare", "1", "1"},
		{"1,024 bytes are not too many", strings.Repeat("x", 1024), strings.Repeat("x", 1024)},
		{"spaces stay where they are", " correct horse ", " correct horse "},
		{"a no-break space becomes a space", "correct\u00a0horse", "correct horse"},
		{"an ideographic space becomes a space", "correct\u3000horse", "correct horse"},
		{"letters keep their case", "PassWord", "PassWord"},
		{"a decomposed letter is composed", "cafe\u0301 noir", "caf\u00e9 noir"},
		{"full-width letters stay full-width", "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44", "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44"},
		{"letters of another script", "пароль12", "пароль12"},
		{"what is composed into 1,024 bytes is not too long", strings.Repeat("e\u0301", 512), strings.Repeat("\u00e9", 512)},
		{"directions may be mixed", "שלוםabcd", "שלוםabcd"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Enforce(c.password)
			if err != nil || got != c.want {
				t.Errorf("Enforce(%q) = %q, %v; want %q", c.password, got, err, c.want)
			}
		})
	}
}

func TestEnforceRefuses(t *testing.T) {
	for _, c := range []struct {
		name, password, want string
		reason               Reason
	}{
		{"the empty password", "", "must not be empty", TooShort},
		{"1,025 bytes", strings.Repeat("x", 1025), "not be longer than 1024 bytes", TooLong},
		{"513 characters in 1,026 bytes", strings.Repeat("é", 513), "not be longer than 1024 bytes", TooLong},
		{"a megabyte", strings.Repeat("x", 1<<20), "not be longer than 1024 bytes", TooLong},
		{"a control character", "pass\tword", "control characters", Malformed},
		{"a NUL", "password\x00", "control characters", Malformed},
		{"invalid UTF-8", "password\xff", "valid UTF-8", Malformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Enforce(c.password)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("Enforce returned %v, want an error that says %q", err, c.want)
			}
			if got != "" {
				t.Errorf("Enforce returned %q beside its error", got)
			}
			if refused := (*PolicyError)(nil); !errors.As(err, &refused) || refused.Reason != c.reason {
				t.Errorf("Enforce returned %#v, want the reason %s", err, c.reason)
			}
			if len(c.password) >= MinCharacters && strings.Contains(err.Error(), c.password) {
				t.Error("the error repeats the password")
			}
		})
	}
}

// text draws passwords that people might choose, and some stranger ones.
func text() *rapid.Generator[string] {
	return rapid.StringOfN(rapid.RuneFrom(nil, unicode.L, unicode.M, unicode.Nd, unicode.Zs, unicode.P, unicode.S), MinCharacters, 30, -1)
}

func TestEnforcedPasswordIsEnforcedToItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		once, err := Enforce(text().Draw(t, "password"))
		if err != nil {
			return
		}
		if twice, err := Enforce(once); err != nil || twice != once {
			t.Fatalf("Enforce(%q) = %q, %v", once, twice, err)
		}
	})
}

func FuzzEnforce(f *testing.F) {
	for _, seed := range []string{"", "password", "correct\u00a0horse", "e\u0301123456", "pass\x00word", "\xff\xfe", strings.Repeat("é", 37)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, password string) {
		enforced, err := Enforce(password)
		switch {
		case err != nil && enforced != "":
			t.Errorf("Enforce(%q) = %q beside %v", password, enforced, err)
		case err != nil:
		case enforced == "" || len(enforced) > MaxBytes || checkSecret(enforced) != nil:
			t.Errorf("Enforce(%q) = %q, which is out of bounds", password, enforced)
		}
	})
}
