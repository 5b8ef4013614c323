package test

import (
	"os/exec"
	"strings"
	"testing"
)

// gRPC and OpenTelemetry come with gocloud.dev, for the clouds. They would take 3 MB of the memory
// of a server without a cloud.
func TestNothingOfTheCloudsIsLinkedIn(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "authserver/cmd/authserver").Output()
	if err != nil {
		t.Fatal(err)
	}
	for linked := range strings.Lines(string(out)) {
		for _, unwanted := range []string{"gocloud.dev/", "google.golang.org/grpc", "go.opentelemetry.io/"} {
			if strings.HasPrefix(linked, unwanted) {
				t.Errorf("%s is linked in: import it in files with the build tag cloudkms alone", strings.TrimSpace(linked))
			}
		}
	}
}
