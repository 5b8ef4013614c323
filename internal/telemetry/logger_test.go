package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// line writes one line as JSON and returns its fields without the time.
func line(t *testing.T, write func(*slog.Logger)) map[string]any {
	t.Helper()
	var out bytes.Buffer
	write(NewLogger(&out, slog.LevelInfo, "json"))
	fields := make(map[string]any)
	if err := json.Unmarshal(out.Bytes(), &fields); err != nil {
		t.Fatalf("%v in %q", err, out.String())
	}
	delete(fields, "time")
	return fields
}

func TestLoggerAddsTheRequestID(t *testing.T) {
	ctx := WithRequestID(t.Context(), "req-1")
	for _, c := range []struct {
		name  string
		write func(*slog.Logger)
		want  map[string]any
	}{
		{"with an id in the context", func(l *slog.Logger) { l.InfoContext(ctx, "hello", "n", 1) },
			map[string]any{"level": "INFO", "msg": "hello", "n": 1.0, "request_id": "req-1"}},
		{"without one", func(l *slog.Logger) { l.Info("hello") },
			map[string]any{"level": "INFO", "msg": "hello"}},
		{"behind attributes", func(l *slog.Logger) { l.With("a", "b").InfoContext(ctx, "hello") },
			map[string]any{"level": "INFO", "msg": "hello", "a": "b", "request_id": "req-1"}},
		{"within a group", func(l *slog.Logger) { l.WithGroup("g").InfoContext(ctx, "hello") },
			map[string]any{"level": "INFO", "msg": "hello", "g": map[string]any{"request_id": "req-1"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, line(t, c.write)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoggerIsAProperHandler(t *testing.T) {
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return NewLogger(&out, slog.LevelInfo, "json").Handler()
	}, func(t *testing.T) map[string]any {
		fields := make(map[string]any)
		if err := json.Unmarshal(out.Bytes(), &fields); err != nil {
			t.Fatal(err)
		}
		return fields
	})
}

func TestLoggerFormatsAndLevels(t *testing.T) {
	for _, c := range []struct{ name, format, want string }{
		{"text", "text", "level=INFO msg=hello"},
		{"JSON", "json", `"level":"INFO","msg":"hello"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			log := NewLogger(&out, slog.LevelInfo, c.format)
			log.Debug("quiet")
			log.Info("hello")
			if !strings.Contains(out.String(), c.want) || strings.Contains(out.String(), "quiet") {
				t.Errorf("wrote %q, want %q and nothing of the level below", out.String(), c.want)
			}
		})
	}
}

const (
	sampleJWT     = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"
	sampleRefresh = "art_AQAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAQ"
)

// verbose is a value with a method for the logger.
type verbose struct{ password string }

func (v verbose) LogValue() slog.Value { return slog.GroupValue(slog.String("password", v.password)) }

func TestLoggerRedacts(t *testing.T) {
	for _, c := range []struct {
		name string
		attr slog.Attr
		want any
	}{
		{"a password", slog.String("password", "s3cr3t"), Redacted},
		{"a client secret", slog.String("client_secret", "s3cr3t"), Redacted},
		{"a secret in camel case", slog.String("clientSecret", "s3cr3t"), Redacted},
		{"a header name", slog.String("Proxy-Authorization", "Basic s3cr3t"), Redacted},
		{"an access token", slog.String("access_token", "s3cr3t"), Redacted},
		{"an assertion", slog.String("assertion", "s3cr3t"), Redacted},
		{"bytes", slog.Any("password_hash", []byte("s3cr3t")), Redacted},
		{"a database URL", slog.String("database-url", "postgres://u:s3cr3t@h/d"), Redacted},
		{"a member of a group", slog.Group("request", "token", "s3cr3t"), map[string]any{"token": Redacted}},
		{"all of a secret group", slog.Group("secret", "value", "s3cr3t"), map[string]any{"value": Redacted}},
		{"what a value resolves to", slog.Any("user", verbose{"s3cr3t"}), map[string]any{"password": Redacted}},
		{"an error under a secret name", slog.Any("token", errors.New("s3cr3t")), Redacted},
		{"a JWT in text", slog.String("note", "got "+sampleJWT+" here"), "got " + Redacted + " here"},
		{"a JWT without signature in text", slog.String("note", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."), Redacted},
		{"an authorization code in an error", slog.Any("err", errors.New("bad aco_"+sampleRefresh[4:])), "bad " + Redacted},
		{"a refresh token in an error", slog.Any("err", fmt.Errorf("bad %s: %w", sampleRefresh, errors.New("tag"))), "bad " + Redacted + ": tag"},
		{"headers", slog.Any("headers", http.Header{"Authorization": {"Basic s3cr3t"}, "Accept": {"*/*"}}),
			map[string]any{"Authorization": []any{Redacted}, "Accept": []any{"*/*"}}},
		{"a form", slog.Any("form", url.Values{"password": {"s3cr3t"}, "hint": {sampleJWT}}),
			map[string]any{"password": []any{Redacted}, "hint": []any{Redacted}}},
		{"not a number of tokens", slog.Int("token", 3), 3.0},
		{"not whether there is a password", slog.Bool("password", true), true},
		{"not a lifetime", slog.Duration("access_token", time.Second), 1e9},
		{"not a token's type", slog.String("token_type", "Bearer"), "Bearer"},
		{"not a key's id", slog.String("kid", "abc"), "abc"},
		{"not plain text", slog.String("note", "eyJ is how a JWT begins, art_ a refresh token"), "eyJ is how a JWT begins, art_ a refresh token"},
		{"not other values", slog.Any("scopes", []string{"read"}), []any{"read"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := line(t, func(l *slog.Logger) { l.LogAttrs(t.Context(), slog.LevelInfo, "m", c.attr) })
			if diff := cmp.Diff(c.want, got[c.attr.Key]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoggerRedactsEveryNameOfASecret(t *testing.T) {
	for _, name := range []string{
		"authorization", "cookie", "password", "passwd", "passphrase", "secret", "token", "assertion", "jwt",
		"credential", "credentials", "private_key", "masterKey", "data-key", "password_hash", "Secret-Hash", "database.url",
	} {
		if got := line(t, func(l *slog.Logger) { l.Info("m", "the_"+name, "s3cr3t") }); got["the_"+name] != Redacted {
			t.Errorf("the_%s is logged as %v", name, got["the_"+name])
		}
	}
}

func TestLoggerRedactsWhatItIsBoundTo(t *testing.T) {
	for _, c := range []struct {
		name  string
		write func(*slog.Logger)
		want  map[string]any
	}{
		{"an attribute", func(l *slog.Logger) { l.With("password", "s3cr3t", "user", "alice").Info("m") },
			map[string]any{"password": Redacted, "user": "alice"}},
		{"an open group", func(l *slog.Logger) {
			l.WithGroup("token").With("a", "s3cr3t").WithGroup("of").Info("m", "b", "s3cr3t", "n", 1)
		},
			map[string]any{"token": map[string]any{"a": Redacted, "of": map[string]any{"b": Redacted, "n": 1.0}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := line(t, c.write)
			delete(got, "level")
			delete(got, "msg")
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoggerRedactsTheMessage(t *testing.T) {
	got := line(t, func(l *slog.Logger) { l.Info("refused " + sampleJWT) })
	if got["msg"] != "refused "+Redacted {
		t.Errorf("msg is %q", got["msg"])
	}
}

func TestRedactAllocatesLittle(t *testing.T) {
	a := slog.String("a_perfectly_ordinary_attribute", "value")
	if n := testing.AllocsPerRun(100, func() { redact(false, a) }); n > 0 {
		t.Errorf("redact allocates %v times for an ordinary attribute", n)
	}
}
