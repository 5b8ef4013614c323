package certificates

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"

	"authserver/internal/testkit"
)

// certify makes a self-signed certificate of a template.
func certify(t testing.TB, template x509.Certificate) *x509.Certificate {
	t.Helper()
	return testkit.SelfSigned(t, template, testkit.P256(t))
}

// item returns a certificate in the form of RFC 9440 §2.1.
func item(der []byte) string { return ":" + base64.StdEncoding.EncodeToString(der) + ":" }

func TestForwarded(t *testing.T) {
	leaf, other := certify(t, x509.Certificate{}), certify(t, x509.Certificate{})
	own, next := item(leaf.Raw), item(other.Raw)
	encoded := strings.Trim(own, ":")
	for _, c := range []struct {
		name        string
		leaf, chain []string
		want        string // of the error; "": none
		others      int    // intermediates
	}{
		{"a certificate", []string{own}, nil, "", 0},
		{"with spaces around it", []string{" " + own + " "}, nil, "", 0},
		{"with one that certifies it", []string{own}, []string{next}, "", 1},
		{"with several on one line", []string{own}, []string{next + ", " + own + "\t,\t" + next}, "", 3},
		{"with several on several lines", []string{own}, []string{next, own + " , " + next}, "", 3},
		{"with a chain that is empty", []string{own}, []string{""}, "", 0},
		{"with ten", []string{own}, []string{strings.Repeat(next+",", 9) + next}, "", 10},
		{"with eleven", []string{own}, []string{strings.Repeat(next+",", 10) + next}, "more than 10", 0},
		{"twice", []string{own, own}, nil, "appears more than once", 0},
		{"two in one line", []string{own + ", " + own}, nil, "no byte sequence", 0},
		{"a chain without it", nil, []string{next}, "came without Client-Cert", 0},
		{"an empty header", []string{""}, nil, "no byte sequence", 0},
		{"no bytes", []string{"::"}, nil, "no certificate", 0},
		{"no colon at its end", []string{own[:len(own)-1]}, nil, "no byte sequence", 0},
		{"no colon at its beginning", []string{own[1:]}, nil, "no byte sequence", 0},
		{"a string", []string{`"` + encoded + `"`}, nil, "no byte sequence", 0},
		{"with a parameter", []string{own + ";a=1"}, nil, "no byte sequence", 0},
		{"base64url", []string{":" + base64.URLEncoding.EncodeToString(append(bytes.Clone(leaf.Raw), 0xff, 0xff, 0xff)) + ":"}, nil, "no byte sequence", 0},
		{"without padding", []string{":" + base64.RawStdEncoding.EncodeToString(append(bytes.Clone(leaf.Raw), make([]byte, 3-(len(leaf.Raw)+2)%3)...)) + ":"}, nil, "no byte sequence", 0},
		{"with a line break", []string{own[:9] + "\n" + own[9:]}, nil, "no byte sequence", 0},
		{"with a space", []string{own[:9] + " " + own[9:]}, nil, "no byte sequence", 0},
		{"PEM", []string{"-----BEGIN CERTIFICATE-----"}, nil, "no byte sequence", 0},
		{"something else in DER", []string{item([]byte{0x30, 0})}, nil, "no certificate", 0},
		{"something after the DER", []string{item(append(bytes.Clone(leaf.Raw), 0))}, nil, "no certificate", 0},
		{"two in one byte sequence", []string{item(append(bytes.Clone(leaf.Raw), other.Raw...))}, nil, "no certificate", 0},
		{"a comma at the end of the chain", []string{own}, []string{next + ","}, "no byte sequence", 0},
		{"an empty line in the chain", []string{own}, []string{next, ""}, "no byte sequence", 0},
		{"a comma at its beginning", []string{own}, []string{"," + next}, "no byte sequence", 0},
		{"no comma between", []string{own}, []string{next + " " + next}, "no byte sequence", 0},
		{"a broken one in the chain", []string{own}, []string{next + ",:AAAA:"}, "Client-Cert-Chain: it is no certificate", 0},
		{"larger than 16 KiB", []string{own}, []string{strings.Repeat(" ", 16<<10)}, "larger than 16 KiB", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Forwarded(c.leaf, c.chain)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), encoded[:20]) {
					t.Errorf("the error is %v, want %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !got.Leaf.Equal(leaf) || len(got.Intermediates) != c.others {
				t.Errorf("it is %s with %d others", got.Leaf.Subject, len(got.Intermediates))
			}
		})
	}
}

func TestAHandshakeIsBounded(t *testing.T) {
	one := certify(t, x509.Certificate{})
	sent := make([]*x509.Certificate, 30)
	for i := range sent {
		sent[i] = one
	}
	for sends, others := range map[int]int{1: 0, 2: 1, 11: 10, 30: 10} {
		if got := Handshake(sent[:sends]); got.Leaf != one || len(got.Intermediates) != others {
			t.Errorf("of %d certificates %d beside the first are looked at, want %d", sends, len(got.Intermediates), others)
		}
	}
	if Handshake(nil) != nil {
		t.Error("no certificate is one")
	}
}

func TestNothingIsForwarded(t *testing.T) {
	if got, err := Forwarded(nil, nil); got != nil || err != nil {
		t.Errorf("it is %v, %v", got, err)
	}
}

// A certificate that was read reads the same when it is written again.
func FuzzForwarded(f *testing.F) {
	leaf := certify(f, x509.Certificate{})
	own := item(leaf.Raw)
	for _, seed := range [][2]string{
		{own, own + ", " + own}, {own, ""}, {"", own}, {"::", "::"}, {":AAAA:", ":AAA=:"}, {own + ";a", own + ","}, {own[1:], own[1:]}, {`"` + own + `"`, "?1"}, {":" + own, ",,"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, leaf, chain string) {
		got, err := Forwarded([]string{leaf}, []string{chain})
		if err != nil {
			return
		}
		var others []string
		for _, c := range got.Intermediates {
			others = append(others, item(c.Raw))
		}
		again, err := Forwarded([]string{item(got.Leaf.Raw)}, others)
		if err != nil || !again.Leaf.Equal(got.Leaf) || len(again.Intermediates) != len(others) {
			t.Errorf("%q with %q is read as what reads as something else: %v", leaf, chain, err)
		}
	})
}
