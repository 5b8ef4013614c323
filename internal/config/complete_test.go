package config

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const goodKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" // the bytes 0 to 31

// complete parses "serve" with the given environment, and completes the settings.
func complete(t testing.TB, mode Mode, files map[string]string, environ ...string) (Server, error) {
	t.Helper()
	src := sources(environ, files)
	c, err := parse(t, src, "serve")
	if err != nil {
		t.Fatal(err)
	}
	err = Complete(&c.Serve, mode, src.ReadFile)
	return c.Serve.Server, err
}

// proper returns the settings without which serve does not start.
func proper(more ...string) []string {
	return append([]string{"AUTHSERVER_ISSUER=https://auth.example.com", "AUTHSERVER_DATABASE_URL=sqlite:/data/a.db", "AUTHSERVER_MASTER_KEY=" + goodKey}, more...)
}

func TestCompleteServe(t *testing.T) {
	s, err := complete(t, Serve, nil, proper()...)
	if err != nil {
		t.Fatal(err)
	}
	if s.Issuer != "https://auth.example.com" || s.DatabaseURL.Reveal() != "sqlite:/data/a.db" || s.Listen != "127.0.0.1:8080" || s.OpsListen != "127.0.0.1:9090" {
		t.Errorf("completed %+v", s)
	}
	key, err := s.ParsedMasterKey()
	if err != nil || key[0] != 0 || key[31] != 31 {
		t.Errorf("the master key is %x, %v", key, err)
	}
}

func TestDefaultsAreWithinBounds(t *testing.T) {
	s, err := complete(t, Serve, nil, proper()...)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{
		"grace": s.RefreshGrace, "idle": s.DefaultRefreshIdleTTL, "max": s.DefaultRefreshMaxTTL, "access": s.DefaultAccessTokenTTL, "max access": s.MaxAccessTokenTTL,
		"rotation": s.KeyRotationInterval, "jwks": s.JWKSMaxAge, "poll": s.KeyPollInterval, "skew": s.ClockSkew, "assertion": s.AssertionMaxLifetime, "delay": s.DrainDelay, "drain": s.DrainTimeout, "audit": s.AuditRetention,
		"cost": s.BcryptCost, "workers": s.PasswordWorkers, "queue": s.PasswordQueue, "conns": s.DatabaseMaxConns, "level": s.LogLevel.String(), "format": s.LogFormat,
	}
	want := map[string]any{
		"grace": 10 * time.Second, "idle": 720 * time.Hour, "max": 2160 * time.Hour, "access": 15 * time.Minute, "max access": 24 * time.Hour,
		"rotation": 720 * time.Hour, "jwks": 5 * time.Minute, "poll": 30 * time.Second, "skew": time.Minute, "assertion": time.Hour, "delay": time.Duration(0), "drain": 10 * time.Second, "audit": 2160 * time.Hour,
		"cost": 12, "workers": 0, "queue": 64, "conns": 10, "level": "INFO", "format": "json",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCompleteServeFromFiles(t *testing.T) {
	files := map[string]string{"/run/secrets/db": "postgres://u:p@h/d\n", "/run/secrets/key": goodKey + "\n"}
	s, err := complete(t, Serve, files, "AUTHSERVER_ISSUER=https://auth.example.com", "AUTHSERVER_DATABASE_URL_FILE=/run/secrets/db", "AUTHSERVER_MASTER_KEY_FILE=/run/secrets/key")
	if err != nil || s.DatabaseURL.Reveal() != "postgres://u:p@h/d" || s.MasterKey.Reveal() != goodKey {
		t.Errorf("completed %q and %q, %v", s.DatabaseURL.Reveal(), s.MasterKey.Reveal(), err)
	}
}

func TestCompleteTellsAllFaultsAtOnce(t *testing.T) {
	_, err := complete(t, Serve, nil, "AUTHSERVER_LISTEN=8080", "AUTHSERVER_OPS_LISTEN=:http", "AUTHSERVER_LOG_FORMAT=xml", "AUTHSERVER_BCRYPT_COST=31",
		"AUTHSERVER_REFRESH_GRACE=1h", "AUTHSERVER_DEFAULT_ACCESS_TOKEN_TTL=2d", "AUTHSERVER_DEFAULT_REFRESH_IDLE_TTL=100d")
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{
		"issuer is missing: set --issuer or AUTHSERVER_ISSUER",
		"database-url is missing: set --database-url, AUTHSERVER_DATABASE_URL or --database-url-file",
		"the master key is missing: set --master-key-file or AUTHSERVER_MASTER_KEY",
		`listen is "8080": write HOST:PORT`,
		`ops-listen is ":http": the port must be a number`,
		`log-format is "xml": set it to json or text`,
		"bcrypt-cost is 31: set it to a number from 4 to 16",
		"refresh-grace is 1h: set it to a duration from 0s to 5m",
		"default-access-token-ttl is 2d, longer than max-access-token-ttl, 1d",
		"default-refresh-idle-ttl is 100d, longer than default-refresh-max-ttl, 90d",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the faults are\n%v\nwithout %q", err, want)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 10 {
		t.Errorf("%d faults, want 10:\n%v", n, err)
	}
}

func TestCompleteRefuses(t *testing.T) {
	for _, c := range []struct {
		name    string
		environ []string
		want    string
	}{
		{"an issuer that is a name", proper("AUTHSERVER_ISSUER=auth.example.com"), "issuer is not an absolute URL"},
		{"an issuer without host", proper("AUTHSERVER_ISSUER=https:///a"), "issuer is not an absolute URL"},
		{"an issuer with nothing but a port", proper("AUTHSERVER_ISSUER=https://:8080"), "issuer is not an absolute URL"},
		{"an issuer that cannot be parsed", proper("AUTHSERVER_ISSUER=https://u:s3cr3t@h:port"), "issuer is not an absolute URL"},
		{"an issuer of another scheme", proper("AUTHSERVER_ISSUER=ftp://auth.example.com"), "issuer begins with ftp"},
		{"an issuer with a query", proper("AUTHSERVER_ISSUER=https://auth.example.com/?a=b"), "issuer has a query"},
		{"an issuer with an empty query", proper("AUTHSERVER_ISSUER=https://auth.example.com/?"), "issuer has a query"},
		{"an issuer with a fragment", proper("AUTHSERVER_ISSUER=https://auth.example.com/#a"), "issuer has a fragment"},
		{"an issuer with an empty fragment", proper("AUTHSERVER_ISSUER=https://auth.example.com/#"), "issuer has a fragment"},
		{"an issuer with a password", proper("AUTHSERVER_ISSUER=https://u:s3cr3t@auth.example.com"), "issuer contains a user name or password"},
		{"an issuer with an empty segment", proper("AUTHSERVER_ISSUER=https://example.com/a//b"), "issuer has a path"},
		{"an issuer with two slashes at its end", proper("AUTHSERVER_ISSUER=https://example.com/a//"), "issuer has a path"},
		{"an issuer with dots in its path", proper("AUTHSERVER_ISSUER=https://example.com/a/../b"), "issuer has a path"},
		{"an issuer with an escape in its path", proper("AUTHSERVER_ISSUER=https://example.com/%61"), "issuer has a path"},
		{"an issuer with a space in its path", proper("AUTHSERVER_ISSUER=https://example.com/a b"), "issuer has a path"},
		{"an issuer with a pattern in its path", proper("AUTHSERVER_ISSUER=https://example.com/{tenant}"), "issuer has a path"},
		{"an issuer with a star in its path", proper("AUTHSERVER_ISSUER=https://example.com/*"), "issuer has a path"},
		{"an issuer with a letter that is not ASCII in its path", proper("AUTHSERVER_ISSUER=https://example.com/ä"), "issuer has a path"},
		{"an issuer of plain http", proper("AUTHSERVER_ISSUER=http://auth.example.com"), "issuer http://auth.example.com is plain http"},
		{"an issuer that only looks like localhost", proper("AUTHSERVER_ISSUER=http://localhost.example.com"), "is plain http"},
		{"a database of another kind", proper("AUTHSERVER_DATABASE_URL=mysql://u:s3cr3t@h/d"), "begins with neither sqlite: nor postgres://"},
		{"a database path alone", proper("AUTHSERVER_DATABASE_URL=/data/s3cr3t.db"), "begins with neither sqlite: nor postgres://"},
		{"a database without file", proper("AUTHSERVER_DATABASE_URL=sqlite:"), "database-url names no file"},
		{"a database without server", proper("AUTHSERVER_DATABASE_URL=postgres://"), "database-url names no server"},
		{"a database with a single slash", proper("AUTHSERVER_DATABASE_URL=postgres:/h/d"), "database-url names no server"},
		{"a database URL with a line break", proper("AUTHSERVER_DATABASE_URL=postgres://u:s3cr3t\n@h/d"), "control character"},
		{"both a database and its file", proper("AUTHSERVER_DATABASE_URL_FILE=f"), "database-url and database-url-file are both set"},
		{"a master key that is no base64", proper("AUTHSERVER_MASTER_KEY=s3cr3t!"), "the master key is malformed: it is not base64"},
		{"a master key that is too short", proper("AUTHSERVER_MASTER_KEY=c2hvcnQ="), "the master key is malformed: it has 5 bytes and must have 32"},
		{"both a master key and its file", proper("AUTHSERVER_MASTER_KEY_FILE=f"), "AUTHSERVER_MASTER_KEY and master-key-file are both set"},
		{"a master key file that is not there", append(proper()[:2], "AUTHSERVER_MASTER_KEY_FILE=missing"), "master-key-file cannot be read: open missing"},
		{"dev's master key file in production, when it is not there", append(proper()[:2], "AUTHSERVER_MASTER_KEY_FILE=.authserver/master.key"), "master-key-file cannot be read"},
		{"a master key file that is empty", append(proper()[:2], "AUTHSERVER_MASTER_KEY_FILE=empty"), "master-key-file names empty, which is empty"},
		{"a database URL where the name of a file belongs", append(proper()[:1], "AUTHSERVER_DATABASE_URL_FILE=postgres://u:s3cr3t@h/d"), "database-url-file is the secret itself"},
		{"a master key where the name of a file belongs", append(proper()[:2], "AUTHSERVER_MASTER_KEY_FILE=s3cr3ts3cr3ts3cr3ts3cr3ts3cr3ts3cr3ts3cr3tA="), "master-key-file is the secret itself"},
		{"a database file that is not there", append(proper()[:1], "AUTHSERVER_DATABASE_URL_FILE=missing"), "database-url-file cannot be read"},
		{"one address for both listeners", proper("AUTHSERVER_OPS_LISTEN=127.0.0.1:8080"), "listen and ops-listen are both 127.0.0.1:8080"},
		{"a port out of range", proper("AUTHSERVER_LISTEN=:65536"), "the port must be a number from 0 to 65535"},
		{"no connections", proper("AUTHSERVER_DATABASE_MAX_CONNS=0"), "database-max-conns is 0: set it to a number from 1 to 1000"},
		{"less than no workers", proper("AUTHSERVER_PASSWORD_WORKERS=-1"), "password-workers is -1"},
		{"a negative duration", proper("AUTHSERVER_CLOCK_SKEW=-1s"), "clock-skew is -1s: set it to a duration from 0s to 10m"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := complete(t, Serve, map[string]string{"empty": "\n", "f": "x"}, c.environ...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("Complete returned %v, want %q", err, c.want)
			}
			if strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func TestCompleteAccepts(t *testing.T) {
	for _, c := range []struct{ name, entry string }{
		{"an issuer with a path", "AUTHSERVER_ISSUER=https://example.com/auth/"},
		{"an issuer with a long path", "AUTHSERVER_ISSUER=https://example.com/realms/one.two/v2.0/a-b_c~d"},
		{"plain http on localhost", "AUTHSERVER_ISSUER=http://localhost:8080"},
		{"plain http below localhost", "AUTHSERVER_ISSUER=http://auth.localhost"},
		{"plain http on a loopback address", "AUTHSERVER_ISSUER=http://127.0.0.2"},
		{"plain http on the loopback address of IPv6", "AUTHSERVER_ISSUER=http://[::1]:8080"},
		{"PostgreSQL", "AUTHSERVER_DATABASE_URL=postgres://u:p%25@h:5432/d?sslmode=verify-full"},
		{"PostgreSQL's other scheme", "AUTHSERVER_DATABASE_URL=postgresql://h/d"},
		{"PostgreSQL on several hosts", "AUTHSERVER_DATABASE_URL=postgres://u:p@h1:5432,h2:5432/d?target_session_attrs=read-write"},
		{"PostgreSQL on a socket", "AUTHSERVER_DATABASE_URL=postgres:///d?host=/run/postgresql"},
		{"SQLite beside the binary", "AUTHSERVER_DATABASE_URL=sqlite:a b.db"},
		{"ports that the system chooses", "AUTHSERVER_LISTEN=127.0.0.1:0"},
		{"every address of the machine", "AUTHSERVER_LISTEN=:8080"},
		{"a key rotation in seconds", "AUTHSERVER_KEY_ROTATION_INTERVAL=1s"},
		{"no grace", "AUTHSERVER_REFRESH_GRACE=0s"},
		{"a master key without padding in the URL alphabet", "AUTHSERVER_MASTER_KEY=" + strings.TrimRight(strings.Repeat("_-", 21)+"A", "=")},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := complete(t, Serve, nil, proper(c.entry)...); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCompleteDevAndCommands(t *testing.T) {
	type result struct{ DatabaseURL, Issuer, MasterKey, MasterKeyFile string }
	for _, c := range []struct {
		name    string
		mode    Mode
		files   map[string]string
		environ []string
		want    result
	}{
		{"dev needs nothing", Dev, nil, nil,
			result{"sqlite:.authserver/authserver.db", "http://127.0.0.1:8080", "", ".authserver/master.key"}},
		{"dev takes the master key that it made before", Dev, map[string]string{".authserver/master.key": goodKey}, nil,
			result{"sqlite:.authserver/authserver.db", "http://127.0.0.1:8080", goodKey, ".authserver/master.key"}},
		{"dev derives the issuer from where it listens", Dev, nil, []string{"AUTHSERVER_LISTEN=0.0.0.0:8888"},
			result{"sqlite:.authserver/authserver.db", "http://localhost:8888", "", ".authserver/master.key"}},
		{"dev takes what it is given", Dev, nil, []string{"AUTHSERVER_ISSUER=http://auth:8080", "AUTHSERVER_DATABASE_URL=sqlite:x", "AUTHSERVER_MASTER_KEY=" + goodKey},
			result{"sqlite:x", "http://auth:8080", goodKey, ""}},
		{"dev makes the master key where it is told", Dev, nil, []string{"AUTHSERVER_MASTER_KEY_FILE=k"},
			result{"sqlite:.authserver/authserver.db", "http://127.0.0.1:8080", "", "k"}},
		{"a command works on what dev made", Command, map[string]string{".authserver/master.key": goodKey}, nil,
			result{"sqlite:.authserver/authserver.db", "http://127.0.0.1:8080", goodKey, ".authserver/master.key"}},
		{"a command does without the master key", Command, nil, nil,
			result{"sqlite:.authserver/authserver.db", "http://127.0.0.1:8080", "", ".authserver/master.key"}},
		{"a command on another database takes nothing of dev's", Command, nil, []string{"AUTHSERVER_DATABASE_URL=sqlite:x"},
			result{"sqlite:x", "", "", ""}},
		{"a command leaves plain http to the server", Command, nil, []string{"AUTHSERVER_DATABASE_URL=sqlite:x", "AUTHSERVER_ISSUER=http://auth:8080"},
			result{"sqlite:x", "http://auth:8080", "", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := complete(t, c.mode, c.files, c.environ...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, result{s.DatabaseURL.Reveal(), s.Issuer, s.MasterKey.Reveal(), s.MasterKeyFile}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDevAndCommandsRefuseWhatIsMalformed(t *testing.T) {
	for _, c := range []struct {
		name, entry, want string
		mode              Mode
	}{
		{"an issuer in dev", "AUTHSERVER_ISSUER=auth:8080", "issuer", Dev},
		{"a master key in dev", "AUTHSERVER_MASTER_KEY=short", "master key", Dev},
		{"a master key of a command", "AUTHSERVER_MASTER_KEY=short", "master key", Command},
		{"a master key file of a command that is not there", "AUTHSERVER_MASTER_KEY_FILE=missing", "master-key-file cannot be read", Command},
		{"a database of a command", "AUTHSERVER_DATABASE_URL=oracle:x", "database-url", Command},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := complete(t, c.mode, nil, c.entry); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Complete returned %v, want %q", err, c.want)
			}
		})
	}
}

// A command checks the groups that it embeds, at any depth, and the rules between two of their
// settings.
func TestCompleteChecksWhatACommandReads(t *testing.T) {
	short := AccessTokens{MaxAccessTokenTTL: time.Minute}
	long := NewResources{DefaultAccessTokenTTL: time.Hour}
	elsewhere := Database{DatabaseURL: NewSecret("sqlite:x"), DatabaseMaxConns: 1}
	for name, c := range map[string]struct {
		settings any
		want     string // "": no fault
	}{
		"a group alone": {&Passwords{BcryptCost: 99}, "bcrypt-cost is 99"},
		"a group beside others": {&struct {
			OnDatabase
			Passwords
		}{OnDatabase{Database: elsewhere}, Passwords{BcryptCost: 99}}, "bcrypt-cost is 99"},
		"a group within another struct": {&struct {
			OnDatabase
			Passwords
		}{OnDatabase{Database: Database{DatabaseURL: NewSecret("oracle:x"), DatabaseMaxConns: 1}}, Passwords{BcryptCost: 4}}, "database-url"},
		"one of two that belong together": {&struct{ AccessTokens }{short}, ""},
		"the other one":                   {&struct{ NewResources }{long}, ""},
		"both": {&struct {
			NewResources
			AccessTokens
		}{long, short}, "default-access-token-ttl is 1h, longer than max-access-token-ttl, 1m"},
	} {
		err := Complete(c.settings, Command, sources(nil, nil).ReadFile)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: the fault is %v, want %q", name, err, c.want)
		}
	}
}

func TestParsedMasterKeySaysWhatToSet(t *testing.T) {
	if _, err := (&Sealing{}).ParsedMasterKey(); err == nil || !strings.Contains(err.Error(), "authserver key generate-master") {
		t.Errorf("ParsedMasterKey returned %v", err)
	}
}

func TestDevIssuer(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080", "[::1]:1": "http://[::1]:1", ":80": "http://localhost:80", "[::]:80": "http://localhost:80",
		"auth:8080": "http://auth:8080", "192.0.2.1:1": "http://192.0.2.1:1", "[2001:db8::1]:1": "http://[2001:db8::1]:1",
		"127.0.0.1:0": "", "junk": "",
	} {
		if got := DevIssuer(listen); got != want {
			t.Errorf("DevIssuer(%q) = %q, want %q", listen, got, want)
		}
	}
}

func FuzzParseMasterKey(f *testing.F) {
	for _, seed := range []string{goodKey, "", "short", strings.Repeat("A", 43), strings.Repeat("_", 44), " " + goodKey + "\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParseMasterKey(text)
		if err != nil {
			return
		}
		again, err := ParseMasterKey(base64.StdEncoding.EncodeToString(key[:]))
		if err != nil || again != key {
			t.Errorf("ParseMasterKey(%q) = %x, and of its encoding %x, %v", text, key, again, err)
		}
	})
}
