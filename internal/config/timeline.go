package config

import "time"

// Timeline has the durations in the life of a signing key, together with [Clocks] and
// [AccessTokens].
type Timeline struct {
	KeyRotationInterval time.Duration `name:"key-rotation-interval" setting:"flag env file" group:"Keys" default:"30d" help:"How long a key signs before the next one takes over."`
	JWKSMaxAge          time.Duration `name:"jwks-max-age" setting:"flag env file" group:"Keys" default:"5m" help:"How long verifiers may cache the JWKS, and a tenth more while they fetch it again. The server publishes a new key for longer than both before the key signs."`
	KeyPollInterval     time.Duration `name:"key-poll-interval" setting:"flag env file" group:"Keys" default:"30s" help:"How often a server checks for changed keys, in addition to notifications."`
}

// The lower bounds leave room for tests that live through a rotation in seconds.
func (t *Timeline) complete(*completion) []error {
	return present(
		checkDuration("key-rotation-interval", t.KeyRotationInterval, time.Second, 3650*day),
		checkDuration("jwks-max-age", t.JWKSMaxAge, time.Second, day),
		checkDuration("key-poll-interval", t.KeyPollInterval, time.Second, time.Hour),
	)
}

// Clocks is the largest difference between clocks.
type Clocks struct {
	ClockSkew time.Duration `name:"clock-skew" setting:"flag env file" group:"Keys" default:"1m" help:"How far the clocks of servers, and of the issuers of assertions, may differ."`
}

func (k *Clocks) complete(*completion) []error {
	return present(checkDuration("clock-skew", k.ClockSkew, 0, 10*time.Minute))
}
