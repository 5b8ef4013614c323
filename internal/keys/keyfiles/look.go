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

// kind is what a file holds.
type kind int

const (
	unknown kind = iota
	empty
	page          // HTML
	keySet        // a JWK Set
	publicJWK     //
	privateJWK    //
	secretJWK     // of kty oct
	encryptedJWK  //
	metadata      // of an issuer
	certificates  // in JSON by their kid, as Google publishes them
	array         // of JSON
	object        // of JSON that is nothing of these
	token         // a JWT
	certificate   //
	publicKey     //
	privateKey    //
	encryptedKey  // a private one under a passphrase
	request       // for a certificate
	pkcs7         //
	pkcs12        //
	openSSH       // a private key in OpenSSH's own format
	openSSHPublic // a line of authorized_keys
	putty         // PuTTY's own format
	openPGP       //
	damagedPEM    //
	utf16         //
	otherDER      //
)

// content is what a file holds, how it is written, and its public key where that can be
// told.
type content struct {
	kind   kind
	form   string // "in PEM", "in DER", ""
	public crypto.PublicKey
}

func look(data []byte) content {
	data = bytes.TrimPrefix(data, []byte(byteOrderMark))
	text := bytes.TrimSpace(data)
	const sequence = 0x30 // with which DER begins, and which is the digit 0 in text
	switch {
	case len(text) == 0:
		return content{kind: empty}
	case isUTF16(data):
		return content{kind: utf16}
	case text[0] == '{':
		return lookJSON(text)
	case text[0] == '[' && json.Valid(text):
		return content{kind: array}
	case text[0] == '<':
		return content{kind: page}
	case bytes.Contains(text, []byte("-----BEGIN ")):
		return lookPEM(data)
	case data[0] == sequence && len(data) > 1:
		c := lookDER(data)
		if c.kind != unknown {
			c.form = "in DER"
			return c
		}
		if data[1] >= 0x80 { // a length that no text has there
			return content{kind: otherDER}
		}
	}
	return content{kind: lookText(string(text))}
}

var openSSHLine = regexp.MustCompile(`^(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-\S+|sk-\S+) AAAA`)

func lookText(text string) kind {
	switch {
	case openSSHLine.MatchString(text), strings.HasPrefix(text, "---- BEGIN SSH2 PUBLIC KEY"):
		return openSSHPublic
	case strings.HasPrefix(text, "PuTTY-User-Key-File-"):
		return putty
	case strings.HasPrefix(text, "eyJ") && strings.Count(text, ".") >= 2:
		return token
	}
	return unknown
}

// lookJSON tells objects apart by the names of their members.
func lookJSON(text []byte) content {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return content{kind: unknown}
	}
	has := func(name string) bool { _, ok := members[name]; return ok }
	switch {
	case has("keys"):
		return content{kind: keySet}
	case has("ciphertext"):
		return content{kind: encryptedJWK}
	case string(members["kty"]) == `"oct"`:
		return content{kind: secretJWK}
	case has("kty") && has("d"):
		return content{kind: privateJWK, form: "as a JWK", public: publicOfJWK(members)}
	case has("kty"):
		return content{kind: publicJWK, form: "as a JWK", public: publicOfJWK(members)}
	case has("jwks_uri"), has("issuer"):
		return content{kind: metadata}
	case bytes.Contains(text, []byte("-----BEGIN CERTIFICATE")):
		return content{kind: certificates}
	}
	return content{kind: object}
}

// publicOfJWK reads the public half from the members that make it alone; nil: it cannot be
// read.
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

// lookPEM looks for a private key first: whatever stands beside it, that matters most.
func lookPEM(data []byte) content {
	first := content{kind: damagedPEM, form: "in PEM"}
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return first
		}
		c := lookBlock(block)
		c.form = "in PEM"
		if c.kind == privateKey || c.kind == encryptedKey || c.kind == openSSH {
			return c
		}
		if first.kind == damagedPEM {
			first = c
		}
		data = rest
	}
}

func lookBlock(block *pem.Block) content {
	switch {
	case block.Headers["DEK-Info"] != "", block.Type == "ENCRYPTED PRIVATE KEY": // RFC 1421, RFC 5958 §3
		return content{kind: encryptedKey}
	case block.Type == "OPENSSH PRIVATE KEY":
		return content{kind: openSSH}
	case strings.HasPrefix(block.Type, "PGP "):
		return content{kind: openPGP}
	case block.Type == "PKCS7", block.Type == "CMS":
		return content{kind: pkcs7}
	}
	c := lookDER(block.Bytes)
	if strings.HasSuffix(block.Type, "PRIVATE KEY") && c.kind != privateKey {
		return content{kind: privateKey} // of a kind that Go does not know
	}
	return c
}

// lookDER tries what a DER can be.
func lookDER(der []byte) content {
	if c, err := x509.ParseCertificate(der); err == nil {
		return content{kind: certificate, public: c.PublicKey}
	}
	if _, err := x509.ParseCertificateRequest(der); err == nil {
		return content{kind: request}
	}
	for _, parse := range []func([]byte) (any, error){
		x509.ParsePKIXPublicKey,
		func(der []byte) (any, error) { return x509.ParsePKCS1PublicKey(der) },
	} {
		if public, err := parse(der); err == nil {
			return content{kind: publicKey, public: public}
		}
	}
	for _, parse := range []func([]byte) (any, error){
		x509.ParsePKCS8PrivateKey,
		func(der []byte) (any, error) { return x509.ParsePKCS1PrivateKey(der) },
		func(der []byte) (any, error) { return x509.ParseECPrivateKey(der) },
	} {
		if private, err := parse(der); err == nil {
			return content{kind: privateKey, public: publicOf(private)}
		}
	}
	return content{kind: lookShape(der)}
}

func publicOf(private any) crypto.PublicKey {
	if signer, ok := private.(crypto.Signer); ok {
		return signer.Public()
	}
	return nil
}

// lookShape tells by their outermost form what x509 does not parse.
func lookShape(der []byte) kind {
	var store struct { // RFC 7292 §4
		Version int
		Safe    asn1.RawValue
		MAC     asn1.RawValue `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(der, &store); err == nil && store.Version == 3 && store.Safe.Tag == asn1.TagSequence {
		return pkcs12
	}
	var message struct { // RFC 2315 §7
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(der, &message); err == nil {
		return pkcs7
	}
	var sealed struct { // RFC 5958 §3
		Algorithm struct {
			OID        asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Data []byte
	}
	if _, err := asn1.Unmarshal(der, &sealed); err == nil {
		return encryptedKey
	}
	return unknown
}
