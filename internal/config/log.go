package config

import (
	"fmt"
	"log/slog"
	"time"
)

// Audit is how long the server keeps events.
type Audit struct {
	AuditRetention time.Duration `name:"audit-retention" setting:"flag env file" group:"Logging" default:"90d" help:"How long the server keeps the events of the audit. 0s keeps them forever."`
}

func (a *Audit) complete(*completion) []error {
	return present(checkDuration("audit-retention", a.AuditRetention, 0, 36500*day))
}

// Log is what the server logs, and how.
type Log struct {
	LogLevel  slog.Level `name:"log-level" setting:"flag env file" group:"Logging" default:"info" help:"Lowest level to log: debug, info, warn or error."`
	LogFormat string     `name:"log-format" setting:"flag env file" group:"Logging" default:"json" help:"Format of the log: json or text."`
}

func (l *Log) complete(*completion) []error {
	if l.LogFormat != "json" && l.LogFormat != "text" {
		return present(fmt.Errorf("log-format is %q: set it to json or text", l.LogFormat))
	}
	return nil
}

func parseLevel(text string) (level slog.Level, err error) {
	if err = level.UnmarshalText([]byte(text)); err != nil {
		err = fmt.Errorf("%q is not a level: use debug, info, warn or error", text)
	}
	return level, err
}
