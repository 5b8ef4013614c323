package keys_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/encryption"
	"authserver/internal/keys"
)

// encryptionKeys returns the encryption keys of the key set.
func encryptionKeys(t *testing.T, m *keys.Manager) []jwk.Key {
	t.Helper()
	set, err := jwk.Parse(m.JWKS().Body)
	if err != nil {
		t.Fatal(err)
	}
	var found []jwk.Key
	for i := range set.Len() {
		if key, _ := set.Key(i); key.KeyUsage() == "enc" {
			found = append(found, key)
		}
	}
	return found
}

// encryptTo encrypts to the only encryption key of the key set.
func encryptTo(t *testing.T, m *keys.Manager) string {
	t.Helper()
	found := encryptionKeys(t, m)
	if len(found) != 1 {
		t.Fatalf("%d keys for encryption are published, want one", len(found))
	}
	public, err := json.Marshal(found[0])
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := encryption.ParseRecipient(public)
	if err != nil {
		t.Fatal(err)
	}
	token, err := recipient.Encrypt([]byte("a.b.c"), encryption.Form{Enc: "A256GCM"})
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}

func TestAnEncryptionKeyIsMadeWhereAnIssuerWantsOne(t *testing.T) {
	for _, alg := range keys.EncryptionAlgorithms() {
		t.Run(alg, func(t *testing.T) {
			st, c := &memory{}, newClock()
			m := newManager(t, st, c)
			load(t, m)
			if found := encryptionKeys(t, m); len(found) != 0 {
				t.Fatalf("no client asked for %v", found)
			}
			st.encryption = []string{alg}
			tick(t, m)
			plain, err := m.Decrypt(encryptTo(t, m))
			if err != nil || string(plain) != "a.b.c" {
				t.Errorf("decrypted to %q, %v", plain, err)
			}
			if found := encryptionKeys(t, m); found[0].Algorithm().String() != alg {
				t.Errorf("its alg is %s", found[0].Algorithm())
			}
			if _, ok := m.Public(encryptionKeys(t, m)[0].KeyID()); ok {
				t.Error("a key for encryption verifies tokens")
			}
		})
	}
}

// The server decrypts for a client that caches a key set for as long as it may, also after a
// rotation.
func TestWhatIsEncryptedToARetiredKeyIsRead(t *testing.T) {
	st, c := &memory{}, newClock()
	st.encryption = []string{keys.ECDHES}
	m := newManager(t, st, c)
	load(t, m)
	first := encryptTo(t, m)
	if _, err := m.Rotate(t.Context(), by(), keys.ECDHES); err != nil {
		t.Fatal(err)
	}
	tick(t, m)
	before := encryptionKeys(t, m)[0].KeyID()
	for end := c.Now().Add(2 * timeline().Lead()); encryptionKeys(t, m)[0].KeyID() == before; c.advance(time.Second) {
		if c.Now().After(end) {
			t.Fatal("the rotation never came")
		}
	}
	for end := c.Now().Add(timeline().Lead()); c.Now().Before(end); c.advance(time.Second) {
		if _, err := m.Decrypt(first); err != nil {
			t.Fatalf("while the old key set may be cached: %v", err)
		}
	}
	c.advance(timeline().Lag() + timeline().Lead())
	if _, err := m.Decrypt(first); err == nil {
		t.Error("a removed key decrypts for ever")
	}
}

func TestDecryptRefuses(t *testing.T) {
	st, c := &memory{}, newClock()
	st.encryption = keys.EncryptionAlgorithms()[1:]
	m := newManager(t, st, c)
	load(t, m)
	token := encryptTo(t, m)
	parts := strings.Split(token, ".")
	changed := parts[0] + "." + parts[1] + "." + parts[2] + "." + flip(parts[3]) + "." + parts[4]
	signing := signerOf(t, m, keys.ES256)
	for name, test := range map[string]struct{ token, want string }{
		"a signed token":                  {"a.b.c", "five parts"},
		"a ciphertext that was changed":   {changed, "cannot be decrypted"},
		"a key that is not there":         {strings.Replace(token, parts[0], header(`{"alg":"ECDH-ES","enc":"A256GCM","cty":"JWT","kid":"x"}`), 1), "not one of this server's"},
		"a key that signs":                {strings.Replace(token, parts[0], header(`{"alg":"ECDH-ES","enc":"A256GCM","cty":"JWT","kid":"`+signing.KID+`"}`), 1), "not one of this server's"},
		"no key at all":                   {strings.Replace(token, parts[0], header(`{"alg":"ECDH-ES","enc":"A256GCM","cty":"JWT"}`), 1), "not one of this server's"},
		"another alg than the key's":      {strings.Replace(token, parts[0], header(`{"alg":"RSA-OAEP-256","enc":"A256GCM","cty":"JWT","kid":"`+encryptionKeys(t, m)[0].KeyID()+`"}`), 1), "its alg is not that of the key"},
		"no point to agree with (§4.6.1)": {strings.Replace(token, parts[0], header(`{"alg":"ECDH-ES","enc":"A256GCM","cty":"JWT","kid":"`+encryptionKeys(t, m)[0].KeyID()+`"}`), 1), "cannot be decrypted"},
	} {
		t.Run(name, func(t *testing.T) {
			if plain, err := m.Decrypt(test.token); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, %v, want an error that says %q", plain, err, test.want)
			}
		})
	}
}

func header(members string) string { return base64.RawURLEncoding.EncodeToString([]byte(members)) }

// flip changes the first character of a part.
func flip(part string) string {
	if part[0] == 'A' {
		return "B" + part[1:]
	}
	return "A" + part[1:]
}
