package keyfiles

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"regexp"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// kind is the kind of a file's content, as far as the errors distinguish it.
type kind int

const (
	unknown kind = iota
	noKey        // not a key, so it may be a shared secret
	other        // of a key or certificate, but never wanted
	array        // a JSON array
	keySet
	publicJWK
	privateJWK
	publicKey
	privateKey
	lockedKey // a private key with a passphrase, or in a format that is not supported
	certificate
)

// content describes a file: what it is, what to do with it, and its public key if it can be read.
type content struct {
	kind   kind
	what   string // "": unknown
	hint   string // of a private key, if one is wanted; "": it depends on the wanted kind
	public crypto.PublicKey
}

// in adds the form of the content.
func (c content) in(form string) content {
	if c.what != "" {
		c.what += " in " + form
	}
	return c
}

func look(data []byte) content {
	data = bytes.TrimPrefix(data, []byte(byteOrderMark))
	text := bytes.TrimSpace(data)
	const sequence = 0x30 // the first byte of DER, and the digit 0 in text
	switch {
	case len(text) == 0:
		return content{kind: noKey, what: "empty", hint: "look at what wrote it"}
	case isUTF16(data):
		return content{kind: other, what: "text in UTF-16, as PowerShell writes it with >", hint: "save it as UTF-8"}
	case text[0] == '{':
		return lookJSON(text)
	case text[0] == '[' && json.Valid(text):
		return content{kind: array, what: "a JSON array"}
	case text[0] == '<':
		return content{
			kind: noKey, what: "an HTML page",
			hint: "what was asked for it answered with a page, such as one to log in: download it again and look at it",
		}
	case bytes.Contains(text, []byte("-----BEGIN ")):
		return lookPEM(data)
	case data[0] == sequence && len(data) > 1:
		if c := lookDER(data); c.kind != unknown {
			return c.in("DER")
		}
		if data[1] >= 0x80 { // a length that text never has at this position
			return content{
				kind: noKey, what: "DER that is cut short, damaged or of another kind",
				hint: "`openssl asn1parse -inform DER -in FILE` shows what it is",
			}
		}
	}
	return lookText(string(text))
}

var openSSHLine = regexp.MustCompile(`^(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-\S+|sk-\S+) AAAA`)

func lookText(text string) content {
	switch {
	case openSSHLine.MatchString(text), strings.HasPrefix(text, "---- BEGIN SSH2 PUBLIC KEY"):
		return content{kind: other, what: "a public key in OpenSSH's own format", hint: "`ssh-keygen -e -m PKCS8 -f FILE` writes it as PEM"}
	case strings.HasPrefix(text, "PuTTY-User-Key-File-"):
		return content{
			kind: lockedKey, what: "a private key in PuTTY's own format",
			hint: "PuTTYgen exports it as an OpenSSH key, and `ssh-keygen -p -m PKCS8 -f COPY` converts a copy of that",
		}
	case strings.HasPrefix(text, "eyJ") && strings.Count(text, ".") >= 2:
		return content{kind: noKey, what: "a token", hint: "a token holds no key: ask who signs it for the keys"}
	}
	return content{}
}

// lookJSON distinguishes objects by the names of their members.
func lookJSON(text []byte) content {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return content{}
	}
	has := func(name string) bool { _, ok := members[name]; return ok }
	switch {
	case has("keys"):
		return content{kind: keySet, what: "a JWK Set"}
	case has("ciphertext"):
		return content{kind: noKey, what: "an encrypted JWK", hint: "decrypt it first"}
	case string(members["kty"]) == `"oct"`:
		return content{
			kind: other, what: "a shared secret as a JWK (kty oct)",
			hint: "put the bytes that its k has in base64url into a file, and give that as " + secretInput,
		}
	case has("kty") && has("d"):
		return content{kind: privateJWK, what: "a private key as a JWK", public: publicOfJWK(members)}
	case has("kty"):
		return content{kind: publicJWK, what: "a public key as a JWK", public: publicOfJWK(members)}
	case has("jwks_uri"), has("issuer"):
		return content{kind: noKey, what: "the metadata of an issuer", hint: "download what its jwks_uri names, or give that URL instead of a file"}
	case bytes.Contains(text, []byte("-----BEGIN CERTIFICATE")): // the form in which Google publishes them
		return content{
			kind: noKey, what: "JSON with certificates by their kid",
			hint: "write each certificate to a file of its own and give those as " + certificateInput + ", or download the JWK Set of the same publisher",
		}
	}
	return content{kind: noKey, what: "JSON without kty and keys"}
}

// publicOfJWK reads the public half, only from the members that define it; nil: it cannot be read.
func publicOfJWK(members map[string]json.RawMessage) crypto.PublicKey {
	only := make(map[string]json.RawMessage)
	for _, name := range []string{"kty", "crv", "x", "y", "n", "e"} {
		if value, ok := members[name]; ok {
			only[name] = value
		}
	}
	data, err := json.Marshal(only)
	if err != nil {
		return nil
	}
	key, err := jwk.ParseKey(data)
	if err != nil {
		return nil
	}
	var public any
	if key.Raw(&public) != nil {
		return nil
	}
	return public
}

// lookPEM looks for a private key first, because that matters most, whatever else the file
// contains.
func lookPEM(data []byte) content {
	var first *content
	for {
		block, rest := pem.Decode(data)
		switch {
		case block == nil && first == nil:
			return content{
				kind: noKey, what: "PEM that is cut short or damaged",
				hint: "copy the file again, from -----BEGIN to -----END and with its line breaks",
			}
		case block == nil:
			return *first
		}
		c := lookBlock(block).in("PEM")
		if c.kind == privateKey || c.kind == lockedKey {
			return c
		}
		if first == nil {
			first = &c
		}
		data = rest
	}
}

func lookBlock(block *pem.Block) content {
	switch {
	case block.Headers["DEK-Info"] != "", block.Type == "ENCRYPTED PRIVATE KEY": // RFC 1421, RFC 5958 §3
		return encryptedKey()
	case block.Type == "OPENSSH PRIVATE KEY":
		return content{
			kind: lockedKey, what: "a private key in OpenSSH's own format", hint: "`ssh-keygen -p -m PKCS8 -f COPY` converts a copy of it",
		}
	case strings.HasPrefix(block.Type, "PGP "):
		return content{kind: other, what: "an OpenPGP key", hint: "such keys are not used here"}
	case block.Type == "PKCS7", block.Type == "CMS":
		return ofPKCS7()
	}
	c := lookDER(block.Bytes)
	if strings.HasSuffix(block.Type, "PRIVATE KEY") && c.kind != privateKey { // of a kind that Go does not support
		return ofPrivateKey(nil)
	}
	return c
}

func ofPrivateKey(public crypto.PublicKey) content {
	return content{
		kind: privateKey, what: "a private key", public: public,
		hint: "it is of a kind or form that is not read: `openssl pkcs8 -topk8 -nocrypt -in FILE -out NEW` converts it, with -inform DER where it is binary",
	}
}

func encryptedKey() content {
	return content{
		kind: lockedKey, what: "an encrypted private key",
		hint: "`openssl pkcs8 -topk8 -nocrypt -in FILE -out NEW` asks for its passphrase and writes it without one",
	}
}

func ofPKCS7() content {
	return content{
		kind: other, what: "a PKCS #7 file",
		hint: "`openssl pkcs7 -print_certs -in FILE -out NEW` takes the certificates out, with -inform DER where it is binary",
	}
}

// lookDER tries all kinds of DER.
func lookDER(der []byte) content {
	if c, err := x509.ParseCertificate(der); err == nil {
		return content{kind: certificate, what: "a certificate", public: c.PublicKey}
	}
	if _, err := x509.ParseCertificateRequest(der); err == nil {
		return content{kind: other, what: "a request for a certificate", hint: "give the certificate that an authority made of it"}
	}
	if public, err := x509.ParsePKIXPublicKey(der); err == nil {
		return content{kind: publicKey, what: "a public key", public: public}
	}
	if public, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return content{kind: publicKey, what: "a public key", public: public}
	}
	if private, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		signer, ok := private.(crypto.Signer)
		if !ok { // X25519
			return ofPrivateKey(nil)
		}
		return ofPrivateKey(signer.Public())
	}
	if private, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return ofPrivateKey(private.Public())
	}
	if private, err := x509.ParseECPrivateKey(der); err == nil {
		return ofPrivateKey(private.Public())
	}
	return lookShape(der)
}

// lookShape recognises by their outermost form the kinds that x509 does not parse.
func lookShape(der []byte) content {
	var store struct { // RFC 7292 §4
		Version int
		Safe    asn1.RawValue
		MAC     asn1.RawValue `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(der, &store); err == nil && store.Version == 3 && store.Safe.Tag == asn1.TagSequence {
		return content{
			kind: other, what: "a PKCS #12 file",
			hint: "`openssl pkcs12 -in FILE -out NEW` writes what it holds as PEM, with -nokeys the certificates alone",
		}
	}
	var message struct { // RFC 2315 §7
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(der, &message); err == nil {
		return ofPKCS7()
	}
	var sealed struct { // RFC 5958 §3
		Algorithm struct {
			OID        asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Data []byte
	}
	if _, err := asn1.Unmarshal(der, &sealed); err == nil {
		return encryptedKey()
	}
	return content{}
}
