package keyfiles

import (
	"crypto"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

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
	// Secret is of any bytes; but those of a key or a certificate are refused: if a public
	// key were the secret, any reader of it could sign (RFC 8725 §2.1).
	Secret Wanted = "a shared secret"
)

// Check refuses a file of another kind than is wanted. Its error follows the name of
// the file. A file of no known kind passes: the parser says more.
func Check(data []byte, wanted Wanted) error {
	c := look(data)
	fits := map[Wanted][]kind{
		JWKSet:      {keySet, publicJWK},
		JWK:         {publicJWK},
		Certificate: {certificate},
		PrivateKey:  {privateKey, privateJWK},
		Secret:      {otherDER, empty, page, metadata, certificates, array, object, token, damagedPEM, encryptedJWK},
	}[wanted]
	if c.kind == unknown || slices.Contains(fits, c.kind) {
		return nil
	}
	return c.instead(wanted)
}

// Instead is the error of Check for a file that could not be read as what is wanted.
func Instead(data []byte, wanted Wanted) error { return look(data).instead(wanted) }

func (c content) instead(wanted Wanted) error {
	what := c.String()
	if what == "" {
		return fmt.Errorf("it is not %s", wanted)
	}
	return &Other{What: what, Wanted: wanted, Cure: c.cure(wanted)}
}

// Other is a file of another kind than is wanted.
type Other struct {
	What   string
	Wanted Wanted
	Cure   string // what to do with the file at the command line; "": there is nothing to say
}

// Short is the error without the cure, for what did not come as a file.
func (o *Other) Short() string { return fmt.Sprintf("it is %s, and %s is wanted", o.What, o.Wanted) }

func (o *Other) Error() string {
	if o.Cure == "" {
		return o.Short()
	}
	return o.Short() + ": " + o.Cure
}

// String is what the file is, "" where that is not known.
func (c content) String() string {
	what := map[kind]string{
		empty: "empty", page: "an HTML page", keySet: "a JWK Set", publicJWK: "a public key", privateJWK: "a private key",
		secretJWK: "a shared secret as a JWK (kty oct)", encryptedJWK: "an encrypted JWK", metadata: "the metadata of an issuer",
		certificates: "JSON with certificates by their kid", array: "a JSON array", object: "JSON without kty and keys", token: "a token",
		certificate: "a certificate", publicKey: "a public key", privateKey: "a private key", encryptedKey: "an encrypted private key",
		request: "a request for a certificate", pkcs7: "a PKCS #7 file", pkcs12: "a PKCS #12 file",
		openSSH: "a private key in OpenSSH's own format", openSSHPublic: "a public key in OpenSSH's own format",
		putty: "a private key in PuTTY's own format", openPGP: "an OpenPGP key", damagedPEM: "PEM that is cut short or damaged",
		utf16: "text in UTF-16, as PowerShell writes it with >", otherDER: "DER that is cut short, damaged or of another kind",
	}[c.kind]
	if c.form == "" || strings.Contains(what, "PEM") {
		return what
	}
	return what + " " + c.form
}

// cure is what to do; "": there is nothing to say.
func (c content) cure(wanted Wanted) string {
	switch c.kind {
	case privateKey, privateJWK, encryptedKey, openSSH, putty:
		return c.curePrivate(wanted)
	case publicKey, publicJWK:
		return c.curePublic(wanted)
	case certificate:
		return c.cureCertificate(wanted)
	case array:
		if wanted == JWKSet {
			return `put it into an object, as {"keys": …}`
		}
		return ""
	case keySet:
		return map[Wanted]string{
			JWK: `take one key out of its "keys"`, PrivateKey: `take the private key out of its "keys"`,
			Certificate: "--jwks-file takes it", Secret: "--jwks-file takes it",
		}[wanted]
	}
	return map[kind]string{
		empty:         "look at what wrote it",
		page:          "what was asked for it answered with a page, such as one to log in: download it again and look at it",
		secretJWK:     "put the bytes that its k has in base64url into a file, and give that as --secret-file",
		encryptedJWK:  "decrypt it first",
		metadata:      "download what its jwks_uri names, or give that as --jwks-uri",
		certificates:  "write each certificate to a file of its own and give those as --certificate-file, or download the JWK Set of the same publisher",
		token:         "a token holds no key: ask who signs it for the keys",
		request:       "give the certificate that an authority made of it",
		pkcs7:         "`openssl pkcs7 -print_certs -in FILE -out NEW` takes the certificates out, with -inform DER where it is binary",
		pkcs12:        "`openssl pkcs12 -in FILE -out NEW` writes what it holds as PEM, with -nokeys the certificates alone",
		openSSHPublic: "`ssh-keygen -e -m PKCS8 -f FILE` writes it as PEM",
		openPGP:       "such keys are not used here",
		utf16:         "save it as UTF-8",
		otherDER:      "`openssl asn1parse -inform DER -in FILE` shows what it is",
		damagedPEM:    "copy the file again, from -----BEGIN to -----END and with its line breaks",
	}[c.kind]
}

func (c content) curePublic(wanted Wanted) string {
	switch wanted {
	case JWKSet:
		return written(c.public, "put it into the file as ", true)
	case JWK:
		return written(c.public, "put it into the file as ", false)
	case Secret, Certificate:
		return "give it as --jwks-file" + written(c.public, ", which is to hold ", true)
	}
	return "give the private key that it belongs to"
}

func (c content) cureCertificate(wanted Wanted) string {
	switch wanted {
	case JWK:
		return written(c.public, "the public key in it is ", false)
	case JWKSet, Secret:
		return "give it as --certificate-file"
	case PrivateKey:
		return "give the private key that it belongs to"
	}
	return "`openssl x509 -in FILE -out NEW` converts it, with -inform DER where it is binary"
}

func (c content) curePrivate(wanted Wanted) string {
	if wanted == PrivateKey {
		return map[kind]string{
			privateKey:   "it is of a kind or form that is not read: `openssl pkcs8 -topk8 -nocrypt -in FILE -out NEW` converts it, with -inform DER where it is binary",
			encryptedKey: "`openssl pkcs8 -topk8 -nocrypt -in FILE -out NEW` asks for its passphrase and writes it without one",
			openSSH:      "`ssh-keygen -p -m PKCS8 -f COPY` converts a copy of it",
			putty:        "PuTTYgen exports it as an OpenSSH key, and `ssh-keygen -p -m PKCS8 -f COPY` converts a copy of that",
		}[c.kind]
	}
	const keep = "keep this file secret"
	switch wanted {
	case JWK:
		return keep + written(c.public, "; its public key is ", false)
	case Certificate:
		return keep + "; its certificate alone belongs here"
	}
	return keep + written(c.public, "; its public key alone, for --jwks-file, is ", true)
}

// written is a public key as JSON, after what introduces it; "" where there is none.
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
