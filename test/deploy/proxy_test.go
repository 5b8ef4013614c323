//go:build deploy

package deploy

import (
	"bytes"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"authserver/test/harness"
	"authserver/test/ports"
)

// proxy is a program that reads a file of deploy/.
type proxy struct {
	name    string
	file    string
	command func(file, folder string) *exec.Cmd
	// replace returns the texts of the file that an operator replaces, with their replacements.
	replace func(s site) map[string]string
}

// site is what an operator knows: the address of the proxy, its certificate, and the replicas.
type site struct {
	listen                    string
	certificate, key, bundled string // files
	folder                    string // to which the proxy may write
	replicas                  [2]string
}

func proxies() []proxy {
	return []proxy{
		{
			name: "haproxy", file: "haproxy.cfg",
			command: func(file, _ string) *exec.Cmd { return exec.Command("haproxy", "-db", "-f", file) },
			replace: func(s site) map[string]string {
				return map[string]string{
					"bind :443": "bind " + s.listen, "/etc/haproxy/site.pem": s.bundled,
					"10.0.0.11:8080": s.replicas[0], "10.0.0.12:8080": s.replicas[1],
				}
			},
		},
		{
			name: "nginx", file: "nginx.conf",
			command: func(file, folder string) *exec.Cmd {
				return exec.Command("nginx", "-p", folder, "-c", file, "-e", "stderr", "-g", "daemon off; pid "+folder+"/pid;")
			},
			replace: func(s site) map[string]string {
				temporary := ""
				for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
					temporary += kind + "_temp_path " + s.folder + "/" + kind + ";\n"
				}
				return map[string]string{
					"listen 443 ssl": "listen " + s.listen + " ssl", "/etc/nginx/site.pem": s.certificate, "/etc/nginx/site-key.pem": s.key,
					"http {\n": "http {\naccess_log off;\n" + temporary, "10.0.0.11:8080": s.replicas[0], "10.0.0.12:8080": s.replicas[1],
				}
			},
		},
	}
}

// start runs the proxy in front of the replicas, and returns its URL and a client that
// trusts its certificate.
func (p proxy) start(t *testing.T, replicas [2]string) (string, *http.Client) {
	t.Helper()
	if _, err := exec.LookPath(p.name); err != nil {
		t.Fatalf("%s is missing: run make test-deploy, which installs it", p.name)
	}
	folder := t.TempDir()
	certificate, key := harness.Certify(t, x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}, nil, nil)
	certificatePEM, keyPEM := harness.CertificatePEM(certificate.Raw), harness.KeyPEM(t, key)
	s := site{
		listen: ports.Address(t), folder: folder, replicas: replicas,
		certificate: write(t, folder, "site.pem", certificatePEM), key: write(t, folder, "site-key.pem", keyPEM),
		bundled: write(t, folder, "bundle.pem", certificatePEM+keyPEM),
	}
	command := p.command(write(t, folder, p.file, replaced(t, "../../deploy/"+p.file, p.replace(s))), folder)
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		_ = command.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", p.name, &said)
		}
	})
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig.RootCAs = roots
	// The clients have an address of their own.
	transport.DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 3)}}).DialContext
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
	url := "https://" + s.listen
	harness.Eventually(t, 10*time.Second, p.name+" passes requests on", func() bool { return status(client, url+"/readyz") == http.StatusOK })
	return url, client
}

// replaced returns the content of a file with texts replaced, each of which must be there.
func replaced(t *testing.T, file string, texts map[string]string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for old, with := range texts {
		if !strings.Contains(text, old) {
			t.Fatalf("%s does not have %q", file, old)
		}
		text = strings.ReplaceAll(text, old, with)
	}
	return text
}

func write(t *testing.T, folder, name, content string) string {
	t.Helper()
	file := filepath.Join(folder, name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func status(client *http.Client, url string) int {
	answer, err := client.Get(url)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}
