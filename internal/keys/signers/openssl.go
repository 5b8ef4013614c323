//go:build openssl && cgo

package signers

/*
#cgo LDFLAGS: -lcrypto
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

// prepare returns a context that is ready to sign digests of one kind, from which
// those of the single signatures are copied. RSA keys pad with padding.
static EVP_PKEY_CTX *prepare(EVP_PKEY *key, const EVP_MD *digest, int padding) {
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	if (ctx == NULL || EVP_PKEY_sign_init(ctx) <= 0 || EVP_PKEY_CTX_set_signature_md(ctx, digest) <= 0 ||
	    (padding != 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, padding) <= 0) ||
	    (padding == RSA_PKCS1_PSS_PADDING && EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) <= 0)) {
		EVP_PKEY_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

// sign returns the length of the signature, or 0. The context stays as it was, so
// that any number of threads may sign from it.
static size_t sign(const EVP_PKEY_CTX *prepared, const unsigned char *digest, size_t digest_size, unsigned char *signature, size_t room) {
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(prepared);
	if (ctx == NULL || EVP_PKEY_sign(ctx, signature, &room, digest, digest_size) <= 0) {
		room = 0;
	}
	EVP_PKEY_CTX_free(ctx);
	if (room == 0) {
		ERR_clear_error(); // the queue is the thread's, and threads are shared
	}
	return room;
}

// parse reads a key. What is linked in is all there is: no configuration file of the
// machine brings another provider.
static EVP_PKEY *parse(const unsigned char *pkcs8, long size) {
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &pkcs8, size);
	if (key == NULL) {
		ERR_clear_error();
	}
	return key;
}

#cgo noescape sign
#cgo nocallback sign
*/
import "C"

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"runtime"
	"unsafe"
)

// Name names the code that signs.
func Name() string { return C.GoString(C.OpenSSL_version(C.OPENSSL_VERSION)) }

// For returns the signer for a private key of ours. RSA and ECDSA keys are copied to OpenSSL,
// others stay as they are.
func For(private crypto.Signer) (crypto.Signer, error) {
	switch private.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey:
	default:
		return private, nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("encode the key for OpenSSL: %w", err)
	}
	defer clear(der)
	key := C.parse((*C.uchar)(&der[0]), C.long(len(der)))
	if key == nil {
		return nil, errors.New("OpenSSL does not take the key")
	}
	defer C.EVP_PKEY_free(key) // the contexts keep a reference
	return prepare(private.Public(), key)
}

// kind is the parameters of a signature.
type kind struct {
	hash crypto.Hash
	pss  bool
}

// signer is a key in OpenSSL.
type signer struct {
	public   crypto.PublicKey
	size     int // of the longest signature, in bytes
	contexts map[kind]*C.EVP_PKEY_CTX
}

func prepare(public crypto.PublicKey, key *C.EVP_PKEY) (*signer, error) {
	s := &signer{public: public, size: int(C.EVP_PKEY_get_size(key)), contexts: map[kind]*C.EVP_PKEY_CTX{}}
	runtime.AddCleanup(s, free, s.contexts)
	_, isRSA := public.(*rsa.PublicKey)
	for hash, digest := range map[crypto.Hash]*C.EVP_MD{crypto.SHA256: C.EVP_sha256(), crypto.SHA384: C.EVP_sha384(), crypto.SHA512: C.EVP_sha512()} {
		paddings := map[kind]C.int{{hash, false}: 0}
		if isRSA {
			paddings = map[kind]C.int{{hash, false}: C.RSA_PKCS1_PADDING, {hash, true}: C.RSA_PKCS1_PSS_PADDING}
		}
		for k, padding := range paddings {
			if s.contexts[k] = C.prepare(key, digest, padding); s.contexts[k] == nil {
				C.ERR_clear_error()
				return nil, fmt.Errorf("OpenSSL does not sign with %s and this key", hash)
			}
		}
	}
	return s, nil
}

func free(contexts map[kind]*C.EVP_PKEY_CTX) {
	for _, c := range contexts {
		C.EVP_PKEY_CTX_free(c)
	}
}

// Public implements [crypto.Signer].
func (s *signer) Public() crypto.PublicKey { return s.public }

// Sign implements [crypto.Signer]. The randomness is OpenSSL's own, and the salt of RSASSA-PSS is
// as long as the hash (RFC 7518 §3.5).
func (s *signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	pss, isPSS := opts.(*rsa.PSSOptions)
	if isPSS && pss.SaltLength != rsa.PSSSaltLengthEqualsHash && pss.SaltLength != opts.HashFunc().Size() {
		return nil, errors.New("sign with OpenSSL: the salt has to be as long as the hash")
	}
	prepared, ok := s.contexts[kind{opts.HashFunc(), isPSS}]
	if !ok || len(digest) != opts.HashFunc().Size() {
		return nil, fmt.Errorf("sign with OpenSSL: no digest of %d bytes by %s", len(digest), opts.HashFunc())
	}
	signature := make([]byte, s.size)
	size := C.sign(prepared, (*C.uchar)(unsafe.SliceData(digest)), C.size_t(len(digest)), (*C.uchar)(unsafe.SliceData(signature)), C.size_t(len(signature)))
	runtime.KeepAlive(s)
	if size == 0 {
		return nil, errors.New("OpenSSL failed to sign")
	}
	return signature[:size], nil
}
