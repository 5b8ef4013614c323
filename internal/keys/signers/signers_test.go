package signers

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"runtime"
	"sync"
	"testing"
)

type key struct {
	name    string
	private crypto.Signer
}

func keys(t testing.TB) []key {
	t.Helper()
	var made []key
	for _, bits := range []int{2048, 3072} {
		private, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, key{fmt.Sprintf("RSA-%d", bits), private})
	}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384()} {
		private, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, key{curve.Params().Name, private})
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return append(made, key{"Ed25519", private})
}

func digest(hash crypto.Hash, message string) []byte {
	h := hash.New()
	h.Write([]byte(message))
	return h.Sum(nil)
}

// verify verifies a signature with Go's own code.
func verify(public crypto.PublicKey, digest, signature []byte, opts crypto.SignerOpts) error {
	switch public := public.(type) {
	case *rsa.PublicKey:
		if pss, ok := opts.(*rsa.PSSOptions); ok {
			return rsa.VerifyPSS(public, pss.Hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
		return rsa.VerifyPKCS1v15(public, opts.HashFunc(), digest, signature)
	case *ecdsa.PublicKey:
		if !ecdsa.VerifyASN1(public, digest, signature) {
			return fmt.Errorf("not a signature of this key")
		}
		return nil
	case ed25519.PublicKey:
		return ed25519.VerifyWithOptions(public, digest, signature, &ed25519.Options{Hash: opts.HashFunc()})
	}
	return fmt.Errorf("no key: %T", public)
}

// kinds are the ways in which a key signs for a JWS (RFC 7518 §3.1, RFC 8037 §3.1).
func kinds(private crypto.Signer) []crypto.SignerOpts {
	switch private.(type) {
	case *rsa.PrivateKey:
		return []crypto.SignerOpts{crypto.SHA256, crypto.SHA384, crypto.SHA512, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}}
	case ed25519.PrivateKey:
		return []crypto.SignerOpts{crypto.Hash(0)}
	}
	return []crypto.SignerOpts{crypto.SHA256, crypto.SHA384}
}

// Go's code must accept the signatures of every signer, from many goroutines at once, and after the
// garbage collector has run.
func TestSignaturesVerify(t *testing.T) {
	for _, k := range keys(t) {
		t.Run(k.name, func(t *testing.T) {
			signer, err := For(k.private)
			if err != nil {
				t.Fatal(err)
			}
			var group sync.WaitGroup
			for g := range 4 {
				group.Go(func() {
					for i := range 5 {
						for _, opts := range kinds(k.private) {
							input := []byte("a message")
							if opts.HashFunc() != 0 {
								input = digest(opts.HashFunc(), fmt.Sprint(g, i))
							}
							signature, err := signer.Sign(rand.Reader, input, opts)
							if err != nil {
								t.Error(err)
								return
							}
							if err := verify(signer.Public(), input, signature, opts); err != nil {
								t.Errorf("%v: %v", opts, err)
							}
						}
						runtime.GC()
					}
				})
			}
			group.Wait()
		})
	}
}

func TestSignRefuses(t *testing.T) {
	for _, k := range keys(t)[:3] {
		signer, err := For(k.private)
		if err != nil {
			t.Fatal(err)
		}
		if _, isRSA := k.private.(*rsa.PrivateKey); !isRSA {
			continue
		}
		if signature, err := signer.Sign(rand.Reader, []byte("too short for a digest"), crypto.SHA256); err == nil {
			t.Errorf("%s signed a digest of the wrong length: %x", k.name, signature)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	input := digest(crypto.SHA256, "a message")
	for _, k := range keys(b) {
		if k.name != "RSA-2048" && k.name != "P-256" {
			continue
		}
		b.Run(k.name, func(b *testing.B) {
			signer, err := For(k.private)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := signer.Sign(rand.Reader, input, crypto.SHA256); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	input := digest(crypto.SHA256, "a message")
	for _, k := range keys(b) {
		if k.name != "RSA-2048" && k.name != "P-256" {
			continue
		}
		b.Run(k.name, func(b *testing.B) {
			signature, err := k.private.Sign(rand.Reader, input, crypto.SHA256)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := verify(k.private.Public(), input, signature, crypto.SHA256); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
