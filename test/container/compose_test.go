package container_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// composeFile has the parts of docker-compose.yml that the tests read.
type composeFile struct {
	Services map[string]service `yaml:"services"`
	Networks map[string]struct {
		Internal bool `yaml:"internal"`
	} `yaml:"networks"`
	Volumes map[string]any `yaml:"volumes"`
}

type service struct {
	Image       string            `yaml:"image"`
	Build       string            `yaml:"build"`
	User        string            `yaml:"user"`
	ReadOnly    bool              `yaml:"read_only"`
	Privileged  bool              `yaml:"privileged"`
	CapDrop     []string          `yaml:"cap_drop"`
	CapAdd      []string          `yaml:"cap_add"`
	SecurityOpt []string          `yaml:"security_opt"`
	NetworkMode string            `yaml:"network_mode"`
	Networks    []string          `yaml:"networks"`
	Ports       []string          `yaml:"ports"`
	Volumes     []string          `yaml:"volumes"`
	Restart     string            `yaml:"restart"`
	Entrypoint  []string          `yaml:"entrypoint"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Healthcheck struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
	DependsOn map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
}

func compose(t *testing.T) composeFile {
	t.Helper()
	var file composeFile
	if err := yaml.Unmarshal([]byte(readFile(t, "../../docker-compose.yml")), &file); err != nil {
		t.Fatal(err)
	}
	if names := slices.Sorted(maps.Keys(file.Services)); !slices.Equal(names, []string{"authserver", "init", "postgres"}) {
		t.Fatalf("the services are %v: say here what holds for the new one", names)
	}
	return file
}

func TestServicesAreHardened(t *testing.T) {
	file := compose(t)
	for name, s := range file.Services {
		if !s.ReadOnly {
			t.Errorf("%s: the root is writable", name)
		}
		if !slices.Equal(s.CapDrop, []string{"ALL"}) {
			t.Errorf("%s: cap_drop is %v", name, s.CapDrop)
		}
		if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s: new privileges can be had", name)
		}
		if s.Privileged || s.NetworkMode == "host" {
			t.Errorf("%s: it shares the host", name)
		}
		for _, v := range s.Volumes {
			if volume, _, _ := strings.Cut(v, ":"); !hasKey(file.Volumes, volume) {
				t.Errorf("%s: %s is no named volume", name, v)
			}
		}
		if strings.Contains(s.Image, "/") || s.Image != "" && !strings.Contains(s.Image, ":") {
			t.Errorf("%s: %s is no official image with a tag", name, s.Image)
		}
		// init gives files away, which needs root and CAP_CHOWN, and has no network.
		if name == "init" {
			if s.User != "0:0" || !slices.Equal(s.CapAdd, []string{"CHOWN"}) || s.NetworkMode != "none" {
				t.Errorf("init: user %s, cap_add %v, network_mode %s", s.User, s.CapAdd, s.NetworkMode)
			}
			continue
		}
		if len(s.CapAdd) > 0 {
			t.Errorf("%s: cap_add is %v", name, s.CapAdd)
		}
		if s.Build == "" && (s.User == "" || strings.HasPrefix(s.User, "0") || s.User == "root") {
			t.Errorf("%s: it runs as user %q", name, s.User)
		}
		if len(s.Healthcheck.Test) == 0 || s.Healthcheck.Test[0] != "CMD" {
			t.Errorf("%s: its healthcheck is %v", name, s.Healthcheck.Test)
		}
		if s.Restart != "unless-stopped" {
			t.Errorf("%s: restart is %q", name, s.Restart)
		}
	}
}

func hasKey(m map[string]any, key string) bool { _, ok := m[key]; return ok }

func TestServicesStartInOrder(t *testing.T) {
	file := compose(t)
	for _, c := range []struct{ service, waits, condition string }{
		{"postgres", "init", "service_completed_successfully"},
		{"authserver", "init", "service_completed_successfully"},
		{"authserver", "postgres", "service_healthy"},
	} {
		if got := file.Services[c.service].DependsOn[c.waits].Condition; got != c.condition {
			t.Errorf("%s waits for %s: %q instead of %q", c.service, c.waits, got, c.condition)
		}
	}
}

func TestNothingIsReachableThatNeedNotBe(t *testing.T) {
	file := compose(t)
	if s := file.Services["postgres"]; !slices.Equal(s.Networks, []string{"database"}) || len(s.Ports) > 0 {
		t.Errorf("postgres is in %v and publishes %v", s.Networks, s.Ports)
	}
	if !file.Networks["database"].Internal {
		t.Error("the network of the database has a way out")
	}
	want := []string{"${PUBLISH_ADDRESS:-127.0.0.1:8080}:8080", "127.0.0.1:9090:9090"}
	if got := file.Services["authserver"].Ports; !slices.Equal(got, want) {
		t.Errorf("authserver publishes %v instead of %v", got, want)
	}
}

func TestNoSecretStandsInTheFile(t *testing.T) {
	withPassword := regexp.MustCompile(`//[^/@\s]*:[^/@\s]*@`)
	for name, s := range compose(t).Services {
		for key, value := range s.Environment {
			if secretName.MatchString(key) && !strings.HasSuffix(key, "_FILE") {
				t.Errorf("%s: %s is in the environment", name, key)
			}
			if withPassword.MatchString(value) {
				t.Errorf("%s: %s holds a URL with a password", name, key)
			}
			if strings.HasSuffix(key, "_FILE") && !mounted(s, value) {
				t.Errorf("%s: %s names %s, which no volume holds", name, key, value)
			}
		}
	}
}

// mounted reports whether a read-only volume contains the file.
func mounted(s service, file string) bool {
	for _, v := range s.Volumes {
		if parts := strings.Split(v, ":"); len(parts) == 3 && parts[2] == "ro" && strings.HasPrefix(file, parts[1]+"/") {
			return true
		}
	}
	return false
}
