package keyfiles

import (
	"fmt"
	"regexp"
)

// Block says what a PEM block of a type is, and how to convert one that is not read.
func Block(kind string) string {
	switch kind {
	case "PUBLIC KEY", "RSA PUBLIC KEY":
		return "a public key"
	case "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
		return "a private key"
	case "CERTIFICATE":
		return "a certificate"
	case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
		return "a request for a certificate"
	case "OPENSSH PRIVATE KEY":
		return "a private key in OpenSSH's own format (`ssh-keygen -p -m PKCS8 -f COPY` converts a copy of it)"
	case "DSA PRIVATE KEY":
		return "a DSA key, which no algorithm here is for"
	case "PKCS7", "CMS":
		return "PKCS #7 (`openssl pkcs7 -print_certs -in FILE` converts it)"
	}
	// A block whose line breaks were lost has the key in its first line.
	if regexp.MustCompile(`^[A-Z0-9][A-Z0-9 ]{0,30}$`).MatchString(kind) {
		return fmt.Sprintf("a PEM block of the type %q", kind)
	}
	return "a PEM block of an unknown type"
}
