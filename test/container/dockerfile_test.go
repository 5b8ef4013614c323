package container_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// instruction is one of a Dockerfile, its continued lines joined.
type instruction struct{ verb, rest string }

// stages returns the instructions of each stage, FROM first.
func stages(t *testing.T) [][]instruction {
	t.Helper()
	source := readFile(t, "../../Dockerfile")
	source = regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(source, "")
	source = regexp.MustCompile(`\\\n\s*`).ReplaceAllString(source, "")
	var all [][]instruction
	for line := range strings.Lines(source) {
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if verb == "" {
			continue
		}
		if verb == "FROM" {
			all = append(all, nil)
		}
		if len(all) == 0 {
			t.Fatalf("%s stands before the first FROM", verb)
		}
		all[len(all)-1] = append(all[len(all)-1], instruction{verb, rest})
	}
	return all
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	source, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

func TestFinalImage(t *testing.T) {
	all := stages(t)
	final := all[len(all)-1]
	for _, c := range []struct {
		name string
		want instruction
	}{
		{"it holds nothing but what is copied into it", instruction{"FROM", "scratch"}},
		{"it does not run as root", instruction{"USER", "65532:65532"}},
		{"it runs the binary without a shell", instruction{"ENTRYPOINT", `["/authserver"]`}},
		{"it serves where nothing else is asked", instruction{"CMD", `["serve"]`}},
		{"it names both listeners", instruction{"EXPOSE", "8080 9090"}},
		{"it listens beyond loopback", instruction{"ENV", "AUTHSERVER_LISTEN=0.0.0.0:8080 AUTHSERVER_OPS_LISTEN=0.0.0.0:9090"}},
		{"a volume there belongs to the user", instruction{"COPY", "--from=build --chown=65532:65532 /data/ /var/lib/"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !slices.Contains(final, c.want) {
				t.Errorf("the last stage has no %s %s", c.want.verb, c.want.rest)
			}
		})
	}
	t.Run("it checks its own health", func(t *testing.T) {
		for _, i := range final {
			if i.verb == "HEALTHCHECK" && strings.HasSuffix(i.rest, `CMD ["/authserver", "healthcheck"]`) {
				return
			}
		}
		t.Error("the last stage has no HEALTHCHECK that runs /authserver healthcheck")
	})
	t.Run("no instruction needs the shell that it does not have", func(t *testing.T) {
		for _, i := range final {
			if i.verb == "RUN" || i.verb == "SHELL" {
				t.Errorf("the last stage has %s %s", i.verb, i.rest)
			}
		}
	})
}

func TestBuild(t *testing.T) {
	t.Run("images come from the default registry, or from nowhere", func(t *testing.T) {
		for _, stage := range stages(t) {
			words := strings.Fields(stage[0].rest)
			words = slices.DeleteFunc(words, func(w string) bool { return strings.HasPrefix(w, "--") })
			if image := words[0]; image != "scratch" && (strings.Contains(image, "/") || !strings.Contains(image, ":")) {
				t.Errorf("FROM %s: want an official image with a tag", image)
			}
		}
	})
	t.Run("the binary is stripped and has no path of the builder", func(t *testing.T) {
		build := goBuild(t)
		for _, want := range []string{"-trimpath", "-s -w -X main.version=$VERSION", "./cmd/authserver"} {
			if !strings.Contains(build, want) {
				t.Errorf("go build is without %s", want)
			}
		}
	})
	t.Run("nothing comes from the network but modules and the library that is linked in", func(t *testing.T) {
		const library = "apt-get update && apt-get install -y --no-install-recommends libssl-dev && rm -rf /var/lib/apt/lists/*"
		for _, stage := range stages(t) {
			for _, i := range stage {
				if i.verb == "ADD" || i.rest != library && regexp.MustCompile(`\b(curl|wget|apt-get|apk)\b`).MatchString(i.rest) {
					t.Errorf("%s %s", i.verb, i.rest)
				}
			}
		}
	})
	t.Run("no secret is an argument or in the environment", func(t *testing.T) {
		for _, stage := range stages(t) {
			for _, i := range stage {
				if (i.verb == "ARG" || i.verb == "ENV") && secretName.MatchString(i.rest) {
					t.Errorf("%s %s", i.verb, i.rest)
				}
			}
		}
	})
	t.Run("the context holds what is let in by name", func(t *testing.T) {
		var let []string
		shut := false
		for line := range strings.Lines(readFile(t, "../../.dockerignore")) {
			line = strings.TrimSpace(line)
			shut = shut || line == "*"
			if name, ok := strings.CutPrefix(line, "!"); ok {
				let = append(let, name)
				if _, err := os.Stat("../../" + name); err != nil {
					t.Errorf("%s is let in and does not exist", name)
				}
			}
		}
		if want := []string{"go.mod", "go.sum", "api", "cmd", "internal", "migrations"}; !shut || !slices.Equal(let, want) {
			t.Errorf(".dockerignore shuts all out: %v, and lets in %v instead of %v", shut, let, want)
		}
	})
}

var secretName = regexp.MustCompile(`(?i)(password|secret|key|token)`)

// goBuild returns the instruction of the first stage that builds the binary.
func goBuild(t *testing.T) string {
	t.Helper()
	for _, i := range stages(t)[0] {
		if strings.Contains(i.rest, "go build") {
			return i.rest
		}
	}
	t.Fatal("the first stage builds nothing")
	return ""
}

// TestMakeBuildsWhatTheImageHas: a build from source has the fast signatures too. Only the image
// has the clients of the clouds.
func TestMakeBuildsWhatTheImageHas(t *testing.T) {
	command := exec.Command("make", "-n", "VERSION=1.2.3", "build")
	command.Dir = "../.."
	recipe, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	image := strings.NewReplacer("cloudkms,", "", "$VERSION", "1.2.3", `"`, "'").Replace(goBuild(t))
	_, flags, _ := strings.Cut(image, "go build ")
	flags, _, _ = strings.Cut(strings.Join(strings.Fields(flags), " "), " -o ")
	if !strings.Contains(string(recipe), "CGO_ENABLED=1 go build "+flags+" -o bin/authserver") {
		t.Errorf("make build is\n%s\nand the image is built with %s", recipe, flags)
	}
}
