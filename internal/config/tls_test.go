package config

import (
	"strings"
	"testing"
)

func TestWhatTLSTakes(t *testing.T) {
	const certificate, key = "AUTHSERVER_TLS_CERTIFICATE_FILE=c.pem", "AUTHSERVER_TLS_KEY_FILE=k.pem"
	for _, c := range []struct {
		name    string
		environ []string
		want    string // a part of the fault; "": no fault
		asks    bool
		takes   bool
	}{
		{"nothing", nil, "", false, false},
		{"a certificate and its key", []string{certificate, key}, "", false, false},
		{"clients are asked", []string{certificate, key, "AUTHSERVER_TLS_CLIENT_AUTH=true"}, "", true, true},
		{"authorities of clients imply that", []string{certificate, key, "AUTHSERVER_TLS_CLIENT_CA_FILE=ca.pem"}, "", true, true},
		{"a proxy ends TLS", []string{"AUTHSERVER_CLIENT_CERT_PROXY=10.0.0.7"}, "", false, true},
		{"a proxy ends TLS, and authorities of clients", []string{"AUTHSERVER_CLIENT_CERT_PROXY=10.0.0.7", "AUTHSERVER_TLS_CLIENT_CA_FILE=ca.pem"}, "", false, true},
		{"a certificate without key", []string{certificate}, "tls-certificate-file is set without tls-key-file", false, false},
		{"a key without certificate", []string{key}, "tls-key-file is set without tls-certificate-file", false, false},
		{"asking where TLS does not end", []string{"AUTHSERVER_TLS_CLIENT_AUTH=true"}, "tls-client-auth is set without tls-certificate-file", false, false},
		{"authorities where no certificate arrives", []string{"AUTHSERVER_TLS_CLIENT_CA_FILE=ca.pem"}, "no certificate reaches this server", false, false},
		{"a proxy by its name", []string{"AUTHSERVER_CLIENT_CERT_PROXY=proxy.example.com"}, `client-cert-proxy holds "proxy.example.com"`, false, false},
		{"a proxy that is every address", []string{"AUTHSERVER_CLIENT_CERT_PROXY=0.0.0.0/0"}, "which is every address: every caller could claim to be any client", false, false},
		{"a network with bits beyond its length", []string{"AUTHSERVER_CLIENT_CERT_PROXY=10.0.0.7/24"}, "write 10.0.0.0/24", false, false},
		{"an IPv4 network in IPv6", []string{"AUTHSERVER_CLIENT_CERT_PROXY=::ffff:10.0.0.0/104"}, "write an address or a network", false, false},
		{"an empty element", []string{"AUTHSERVER_CLIENT_CERT_PROXY=10.0.0.7,,10.0.0.8"}, `client-cert-proxy holds ""`, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := complete(t, Serve, nil, proper(c.environ...)...)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("the fault is %v, want %q", err, c.want)
				}
				return
			}
			if err != nil || s.AsksForCertificates() != c.asks || s.TakesCertificates() != c.takes {
				t.Errorf("it asks: %t, it takes: %t, %v", s.AsksForCertificates(), s.TakesCertificates(), err)
			}
		})
	}
}

func TestDevStaysPlain(t *testing.T) {
	_, err := complete(t, Dev, nil, "AUTHSERVER_TLS_CERTIFICATE_FILE=c.pem", "AUTHSERVER_TLS_KEY_FILE=k.pem")
	if err == nil || !strings.Contains(err.Error(), "dev answers in plain http") {
		t.Errorf("dev: %v", err)
	}
}

func TestCommandsLeaveTLSToServers(t *testing.T) {
	if _, err := complete(t, Command, nil, proper("AUTHSERVER_TLS_CLIENT_AUTH=true")...); err != nil {
		t.Error(err)
	}
}
