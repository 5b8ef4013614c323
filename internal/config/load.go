package config

import "time"

// Load bounds the work of the server.
type Load struct {
	MaxConnections int `name:"max-connections" setting:"flag env file" group:"Server" default:"10000" help:"Maximum number of connections to the public endpoints, and of requests over all of them. Further connections wait."`
	RequestQueue   int `name:"request-queue" setting:"flag env file" group:"Server" default:"1000" help:"Maximum number of requests of one kind (such as a grant, introspection or the pages of a sign-in) that wait for their turn; one client may fill half. Beyond that the server answers 503 or 429."`
}

func (l *Load) complete(*completion) []error {
	return present(checkNumber("max-connections", l.MaxConnections, 1, 1_000_000), checkNumber("request-queue", l.RequestQueue, 1, 100_000))
}

// Drain has the settings for stopping.
type Drain struct {
	DrainDelay   time.Duration `name:"drain-delay" setting:"flag env file" group:"Server" default:"0s" help:"How long the server still accepts requests after a signal to stop, while /readyz says 503, so that proxies notice."`
	DrainTimeout time.Duration `name:"drain-timeout" setting:"flag env file" group:"Server" default:"10s" help:"How long the server then finishes the requests that it has accepted."`
}

func (d *Drain) complete(*completion) []error {
	return present(checkDuration("drain-delay", d.DrainDelay, 0, 10*time.Minute), checkDuration("drain-timeout", d.DrainTimeout, 0, 10*time.Minute))
}
