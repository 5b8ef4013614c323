package keyfiles

import (
	"crypto"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// Wanted is the kind of file that an operator is asked for.
type Wanted string

// The kinds.
const (
	JWKSet      Wanted = "a JWK Set (RFC 7517 section 5)"
	JWK         Wanted = "a public key as a JWK (RFC 7517 section 4)"
	Certificate Wanted = "a certificate in PEM"
	PrivateKey  Wanted = "a private key in PEM or as a JWK"
	// Secret is any bytes, except those of a key or a certificate: if a public key were the secret,
	// any reader of it could sign (RFC 8725 §2.1).
	Secret Wanted = "a shared secret"
)

// Check refuses a file of another kind than the wanted one. Its error follows the name of the file.
// A file of an unknown kind passes, because the parser's error says more.
func Check(data []byte, wanted Wanted) error {
	c := look(data)
	fits := map[Wanted][]kind{
		JWKSet:      {keySet, publicJWK},
		JWK:         {publicJWK},
		Certificate: {certificate},
		PrivateKey:  {privateKey, privateJWK},
		Secret:      {noKey, array},
	}[wanted]
	if c.kind == unknown || slices.Contains(fits, c.kind) {
		return nil
	}
	return c.instead(wanted)
}

// Instead is the error of Check for a file that the parser of the wanted kind has refused.
func Instead(data []byte, wanted Wanted) error { return look(data).instead(wanted) }

func (c content) instead(wanted Wanted) error {
	if c.what == "" {
		return fmt.Errorf("it is not %s", wanted)
	}
	return &MismatchError{What: c.what, Wanted: wanted, hint: c.hintFor(wanted)}
}

// MismatchError reports a file of another kind than the wanted one.
type MismatchError struct {
	What   string
	Wanted Wanted
	hint   string // what the operator can do with the file; "": nothing
}

// Short is the error without the hint, for content that did not come from a file.
func (o *MismatchError) Short() string {
	return fmt.Sprintf("it is %s, and %s is wanted", o.What, o.Wanted)
}

// In is the error with the names that an interface has for its input of a kind of file.
func (o *MismatchError) In(input func(Wanted) string) string {
	if o.hint == "" {
		return o.Short()
	}
	return o.Short() + ": " + os.Expand(o.hint, func(kind string) string { return input(Wanted(kind)) })
}

func (o *MismatchError) Error() string {
	return o.In(func(w Wanted) string { return string(w) })
}

// The inputs that hints name.
const (
	keySetInput      = "${" + string(JWKSet) + "}"
	certificateInput = "${" + string(Certificate) + "}"
	secretInput      = "${" + string(Secret) + "}"
)

// hintFor returns what the operator can do; "": nothing.
func (c content) hintFor(wanted Wanted) string {
	switch c.kind {
	case privateKey, privateJWK, lockedKey:
		return c.hintPrivate(wanted)
	case publicKey, publicJWK:
		return c.hintPublic(wanted)
	case certificate:
		return c.hintCertificate(wanted)
	case array:
		if wanted == JWKSet {
			return `put it into an object, as {"keys": …}`
		}
		return ""
	case keySet:
		return map[Wanted]string{
			JWK: `take one key out of its "keys"`, PrivateKey: `take the private key out of its "keys"`,
			Certificate: "give it as " + keySetInput, Secret: "give it as " + keySetInput,
		}[wanted]
	}
	return c.hint
}

func (c content) hintPublic(wanted Wanted) string {
	switch wanted {
	case JWKSet:
		return written(c.public, "put it into the file as ", true)
	case JWK:
		return written(c.public, "put it into the file as ", false)
	case Secret, Certificate:
		return "give it as " + keySetInput + written(c.public, ", which is to hold ", true)
	}
	return "give the private key that it belongs to"
}

func (c content) hintCertificate(wanted Wanted) string {
	switch wanted {
	case JWK:
		return written(c.public, "the public key in it is ", false)
	case JWKSet, Secret:
		return "give it as " + certificateInput
	case PrivateKey:
		return "give the private key that it belongs to"
	}
	return "`openssl x509 -in FILE -out NEW` converts it, with -inform DER where it is binary"
}

func (c content) hintPrivate(wanted Wanted) string {
	if wanted == PrivateKey {
		return c.hint
	}
	const keep = "keep this file secret"
	switch wanted {
	case JWK:
		return keep + written(c.public, "; its public key is ", false)
	case Certificate:
		return keep + "; its certificate alone belongs here"
	}
	return keep + written(c.public, "; its public key alone, for "+keySetInput+", is ", true)
}

// written is a public key as JSON, after an introduction; "" if there is none.
func written(public crypto.PublicKey, after string, set bool) string {
	if public == nil {
		return ""
	}
	key, err := jwk.FromRaw(public)
	if err != nil {
		return ""
	}
	var document any = key
	if set {
		document = map[string]any{"keys": []jwk.Key{key}}
	}
	text, err := json.Marshal(document)
	if err != nil {
		return ""
	}
	return after + string(text)
}
