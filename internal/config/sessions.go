package config

import (
	"fmt"
	"time"
)

// Sessions is how long a person who signed in with a browser stays signed in.
type Sessions struct {
	SessionIdleTTL time.Duration `name:"session-idle-ttl" setting:"flag env file" group:"Tokens" default:"24h" help:"How long a person stays signed in with a browser that is not used."`
	SessionMaxTTL  time.Duration `name:"session-max-ttl" setting:"flag env file" group:"Tokens" default:"30d" help:"Maximum age of a sign-in: after that the person has to sign in again."`
}

func (s *Sessions) complete(*completion) []error {
	var order error
	if s.SessionIdleTTL > s.SessionMaxTTL {
		order = fmt.Errorf("session-idle-ttl is %s, longer than session-max-ttl, %s: lower the one or raise the other",
			FormatDuration(s.SessionIdleTTL), FormatDuration(s.SessionMaxTTL))
	}
	return present(order,
		checkDuration("session-idle-ttl", s.SessionIdleTTL, time.Second, 3650*day),
		checkDuration("session-max-ttl", s.SessionMaxTTL, time.Second, 3650*day))
}
