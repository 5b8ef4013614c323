package verifier_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"authserver/internal/testkit"
	"authserver/verifier"
)

func verifies(t *testing.T, v *verifier.Verifier, token string) bool {
	t.Helper()
	_, err := v.Verify(t.Context(), token)
	return err == nil
}

func TestKeysAreFetchedOnceForMany(t *testing.T) {
	i := newIssuer(t)
	v, token := i.verifier(nil), i.token(nil)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := v.Verify(t.Context(), token); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := i.fetched(); n != 1 {
		t.Errorf("%d fetches", n)
	}
}

func TestAKeyThatIsNewIsFetchedFor(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(nil)
	old := i.token(nil)
	if !verifies(t, v, old) {
		t.Fatal("the first token is refused")
	}
	i.rotate("two")
	if !verifies(t, v, i.token(nil)) || verifies(t, v, old) {
		t.Error("the keys are not those of after the rotation")
	}
}

// Any attacker can make tokens that name a key: they must not cause fetches.
func TestUnknownKeysLeadToOneFetchInHalfAMinute(t *testing.T) {
	i := newIssuer(t)
	v, stranger := i.verifier(nil), testkit.P256(t)
	for n := range 10_000 {
		if verifies(t, v, sign(t, "ES256", stranger, map[string]any{"kid": named("kid", n)}, i.claims(nil))) {
			t.Fatal("a token of a stranger is taken")
		}
	}
	if n := i.fetched(); n != 2 {
		t.Errorf("%d fetches, want the first and one for what is not known", n)
	}
	i.rotate("two")
	if verifies(t, v, i.token(nil)) {
		t.Error("the keys were fetched within half a minute")
	}
	i.wait(30 * time.Second)
	if !verifies(t, v, i.token(nil)) || i.fetched() != 3 {
		t.Errorf("the keys were not fetched after half a minute: %d fetches", i.fetched())
	}
}

// A token that is refused because of its claims causes no fetch at all.
func TestTokensForOthersFetchNothing(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(nil)
	for _, change := range []map[string]any{{"aud": "other"}, {"iss": "other"}, {"exp": 1}} {
		if verifies(t, v, i.token(change)) {
			t.Error("taken")
		}
	}
	if n := i.fetched(); n != 0 {
		t.Errorf("%d fetches", n)
	}
}

func TestKeysAreFetchedAheadOfTheirEnd(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(nil)
	if !verifies(t, v, i.token(nil)) {
		t.Fatal("refused")
	}
	i.wait(449 * time.Second) // of 600
	if !verifies(t, v, i.token(nil)) || i.fetched() != 1 {
		t.Errorf("%d fetches before three quarters of max-age", i.fetched())
	}
	i.wait(time.Second)
	if !verifies(t, v, i.token(nil)) {
		t.Fatal("refused")
	}
	eventually(t, "the keys are fetched", func() bool { return i.fetched() == 2 })
}

// A withdrawn key is accepted no longer than max-age.
func TestAKeyThatIsGoneIsRefused(t *testing.T) {
	i := newIssuer(t)
	v, old := i.verifier(nil), i.token(map[string]any{"exp": i.clock().Add(time.Hour).Unix()})
	if !verifies(t, v, old) {
		t.Fatal("refused")
	}
	i.rotate("two")
	i.wait(10 * time.Minute)
	if verifies(t, v, old) {
		t.Error("taken after max-age")
	}
}

// A cache in between that has kept the keys for a long time does not make them valid for longer
// (RFC 9111 §4.2.3).
func TestAgeCountsAgainstMaxAge(t *testing.T) {
	i := newIssuer(t)
	i.change(func() { i.age = "580" })
	v, old := i.verifier(nil), i.token(map[string]any{"exp": i.clock().Add(time.Hour).Unix()})
	if !verifies(t, v, old) {
		t.Fatal("refused")
	}
	i.rotate("two")
	i.wait(14 * time.Second)
	if !verifies(t, v, old) || i.fetched() != 1 {
		t.Errorf("%d fetches within 15 of 20 s", i.fetched())
	}
	i.wait(6 * time.Second)
	if verifies(t, v, old) {
		t.Error("a key that is gone is taken after max-age")
	}
}

func TestTheLastKeysAreKeptWhileTheServerIsDown(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(nil)
	if !verifies(t, v, i.token(nil)) {
		t.Fatal("refused")
	}
	i.change(func() { i.down = true })
	for range 23 {
		i.wait(time.Hour)
		if !verifies(t, v, i.token(nil)) {
			t.Fatal("refused while the server is down")
		}
	}
	i.wait(2 * time.Hour)
	if _, err := v.Verify(t.Context(), i.token(nil)); !errors.Is(err, verifier.ErrUnavailable) {
		t.Errorf("%v after more than a day", err)
	}
	i.change(func() { i.down = false })
	i.wait(5 * time.Second)
	if _, err := v.Verify(t.Context(), i.token(nil)); err != nil {
		t.Errorf("refused after the server is back: %v", err)
	}
}

func TestAServerThatIsDownAtTheStartIsAskedSeldom(t *testing.T) {
	i := newIssuer(t)
	i.change(func() { i.down = true })
	v := i.verifier(nil)
	for range 100 {
		if _, err := v.Verify(t.Context(), i.token(nil)); !errors.Is(err, verifier.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	if i.discovers != 1 {
		t.Errorf("asked %d times", i.discovers)
	}
}

// These are RFC 8414 §3.3, and that keys must come by https.
func TestMetadataThatIsNotBelieved(t *testing.T) {
	for name, change := range map[string]func(*issuer){
		"another issuer":          func(i *issuer) { i.said = i.url + "/" },
		"keys over http":          func(i *issuer) { i.jwksURI = "http://auth.example.com/keys" },
		"keys in a file":          func(i *issuer) { i.jwksURI = "file:///etc/passwd" },
		"keys that are not a set": func(i *issuer) { i.jwksURI = i.server.URL + "/.well-known/oauth-authorization-server/tenant" },
		"keys that are not there": func(i *issuer) { i.jwksURI = i.server.URL + "/none" },
		"a key set without a key": func(i *issuer) { i.keys = nil },
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			token := i.token(nil)
			change(i)
			if _, err := i.verifier(nil).Verify(t.Context(), token); !errors.Is(err, verifier.ErrUnavailable) {
				t.Error(err)
			}
		})
	}
}

func TestCloseEndsFetching(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(nil)
	v.Close()
	if _, err := v.Verify(t.Context(), i.token(nil)); !errors.Is(err, verifier.ErrUnavailable) || i.fetched() != 0 {
		t.Errorf("%v, %d fetches", err, i.fetched())
	}
}
