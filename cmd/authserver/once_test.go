package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// place is a standard output with room for a number of bytes, or one that reports too late that it
// has none.
type place struct {
	bytes.Buffer
	room int // -1: without limit
	late error
}

func (p *place) Write(b []byte) (int, error) {
	if p.room >= 0 && p.Len()+len(b) > p.room {
		n, _ := p.Buffer.Write(b[:p.room-p.Len()])
		return n, syscall.ENOSPC
	}
	return p.Buffer.Write(b)
}

func (p *place) Sync() error { return p.late }

// shop is a database of its own.
type shop struct {
	t       *testing.T
	environ []string
}

func newShop(t *testing.T) shop {
	t.Helper()
	return shopOn(t, "sqlite:"+t.TempDir()+"/authserver.db")
}

func shopOn(t *testing.T, url string) shop {
	t.Helper()
	s := shop{t, []string{
		"AUTHSERVER_ISSUER=https://auth.example.com", "AUTHSERVER_MASTER_KEY=c2NyaXB0cyBhcmUgc2VhbGVkIHVuZGVyIHRoaXMga2U=",
		"AUTHSERVER_DATABASE_URL=" + url, "AUTHSERVER_BCRYPT_COST=4",
	}}
	s.must("migrate", "up")
	return s
}

func (s shop) run(stdout io.Writer, args ...string) (code int, stderr string) {
	s.t.Helper()
	var errs bytes.Buffer
	code = run(append([]string{"authserver"}, args...), strings.NewReader("curiouser-and-curiouser"), stdout, &errs, s.environ)
	return code, errs.String()
}

func (s shop) must(args ...string) string {
	s.t.Helper()
	var out bytes.Buffer
	if code, stderr := s.run(&out, args...); code != exitDone {
		s.t.Fatalf("%s: exit code %d: %s", strings.Join(args, " "), code, stderr)
	}
	return out.String()
}

// secrets returns the identifiers of a client's secrets.
func (s shop) secrets(client string) string {
	s.t.Helper()
	var shown struct{ Secrets json.RawMessage }
	if err := json.Unmarshal([]byte(s.must("client", "show", client, "-o", "json")), &shown); err != nil {
		s.t.Fatal(err)
	}
	return string(shown.Secrets)
}

// A secret is printed once. If it cannot be printed, nothing changes: a client with its old secret
// is better than a client whose secret was lost.
func TestASecretThatCannotBePrintedChangesNothing(t *testing.T) {
	s := newShop(t)
	s.must("client", "create", "--id", "web", "--grant", "client_credentials")
	before := s.secrets("web")
	for name, stdout := range map[string]func() *place{
		"a disk that is full":                         func() *place { return &place{} },
		"a disk that becomes full":                    func() *place { return &place{room: 40} },
		"a disk that tells late that it is full":      func() *place { return &place{room: -1, late: syscall.ENOSPC} },
		"a pipe whose reader is gone, as of head -0":  func() *place { return &place{room: 0} },
		"a disk that breaks before it has the secret": func() *place { return &place{room: -1, late: syscall.EIO} },
	} {
		for _, format := range []string{"json", "table"} {
			for _, args := range [][]string{
				{"client", "rotate-secret", "web"}, {"client", "rotate-secret", "web", "--overlap", "1h"},
				{"client", "create", "--id", "new", "--grant", "client_credentials"},
			} {
				code, stderr := s.run(stdout(), append(args, "-o", format)...)
				if code != exitFailed || !strings.Contains(stderr, "nothing was changed, because the secret cannot be printed") {
					t.Errorf("%s, %s: exit code %d: %s", name, strings.Join(args, " "), code, stderr)
				}
			}
		}
	}
	if after := s.secrets("web"); after != before {
		t.Errorf("the secrets were %s and are %s", before, after)
	}
	if code, _ := s.run(io.Discard, "client", "show", "new"); code != exitFailed {
		t.Error("a client was made whose secret was lost")
	}
	// An output that cannot be synced, such as a terminal, has received what was written.
	if code, stderr := s.run(&place{room: -1, late: syscall.EINVAL}, "client", "rotate-secret", "web"); code != exitDone || s.secrets("web") == before {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// The command finds out that a client_id is taken before it shows a secret.
func TestNoSecretIsToldForAClientThatIsThere(t *testing.T) {
	s := newShop(t)
	s.must("client", "create", "--id", "web", "--grant", "client_credentials")
	var out bytes.Buffer
	code, stderr := s.run(&out, "client", "create", "--id", "web", "--grant", "client_credentials", "-o", "json")
	if code != exitFailed || out.Len() > 0 || !strings.Contains(stderr, "exists already") {
		t.Errorf("exit code %d, told %q: %s", code, out.String(), stderr)
	}
}

// This is for every command that prints: if it cannot write its answer, it exits with 1, and the
// message says whether the change was made.
func TestAnAnswerThatCannotBePrintedIsAFailure(t *testing.T) {
	s := newShop(t)
	s.must("user", "create", "--username", "bob", "--password-stdin")
	for _, test := range []struct {
		args string
		want string
	}{
		{"--help", "the help cannot be printed"},
		{"client create --help", "the help cannot be printed"},
		{"version", "no space left"},
		{"key generate-master", "no space left"},
		{"key list", "no space left"},
		{"key list -o json", "no space left"},
		{"client list", "no space left"},
		{"client list -o json", "no space left"},
		{"user show bob", "no space left"},
		{"migrate status", "no space left"},
		{"resource create --id urn:a", "it is done, and the answer cannot be printed"},
		{"resource update urn:a --name A", "it is done, and the answer cannot be printed"},
		{"user update bob --email bob@example.com", "it is done, and the answer cannot be printed"},
		{"client create --id app --public --grant password", "it is done, and the answer cannot be printed"},
		{"client update app --name App", "it is done, and the answer cannot be printed"},
	} {
		code, stderr := s.run(&place{}, strings.Fields(test.args)...)
		if code != exitFailed || !strings.Contains(stderr, test.want) {
			t.Errorf("%s: exit code %d: %s", test.args, code, stderr)
		}
	}
	s.must("resource", "show", "urn:a")
	s.must("client", "show", "app")
	// Standard error is not the answer.
	var out bytes.Buffer
	code := run([]string{"authserver", "client", "delete", "--yes", "app"}, strings.NewReader(""), &out, broken{}, s.environ)
	if code != exitDone {
		t.Errorf("a deletion that cannot be told: exit code %d", code)
	}
}

// pipe is a standard output whose reader ended after a number of bytes, as head does.
type pipe struct{ room int }

func (p *pipe) Write(b []byte) (int, error) {
	if len(b) > p.room {
		n := p.room
		p.room = 0
		return n, &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}
	}
	p.room -= len(b)
	return len(b), nil
}

// If the reader of standard output has ended, a command that only shows something ends without a
// message. A lost secret, or the lost answer of a change, is still an error.
func TestACommandWhoseReaderIsGone(t *testing.T) {
	s := newShop(t)
	s.must("user", "create", "--username", "alice", "--password-stdin")
	s.must("client", "create", "--id", "web", "--grant", "client_credentials")
	key := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(key, []byte(s.must("key", "generate-master")), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"audit list": "", "audit list -o json": "", "client list": "", "client list -o json": "", "client show web": "", "user list": "",
		"user show alice": "", "resource list": "", "issuer list": "", "key list": "", "key list -o json": "", "key plan": "", "family list --user alice": "",
		"session list --user alice": "", "consent list --user alice": "", "delivery list": "", "migrate status": "", "serve --check": "",
		"assertion sign --iss i --sub s --aud a --secret-file " + key: "",
		"version": "", "--version": "", "--help": "", "help": "", "help client create": "", "client create --help": "",
		"client create --help-settings": "", "completion bash": "",
		"client create --id web --if-not-exists":  "client web exists already: nothing was changed\n",
		"client rotate-secret web":                "authserver: nothing was changed, because the secret cannot be printed: write /dev/stdout: broken pipe\n",
		"client create --id new --grant password": "authserver: nothing was changed, because the secret cannot be printed: write /dev/stdout: broken pipe\n",
		"key generate-master":                     "authserver: the secret cannot be printed: write /dev/stdout: broken pipe\n",
		"client update web --name Web":            "authserver: it is done, and the answer cannot be printed: write /dev/stdout: broken pipe\n",
	} {
		for _, room := range []int{0, 1} {
			if code, stderr := s.run(&pipe{room}, strings.Fields(args)...); code != exitFailed || stderr != want {
				t.Errorf("%s | head -c %d: exit code %d, stderr %q, want %q", args, room, code, stderr, want)
			}
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken") }
