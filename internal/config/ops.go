package config

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Ops has the address at which the operator, and a health check, reach the server.
type Ops struct {
	OpsListen string `name:"ops-listen" setting:"flag env file" group:"Server" default:"127.0.0.1:9090" help:"Address of metrics, health and profiles. Keep it off the public network."`
}

func (o *Ops) complete(*completion) []error { return present(checkAddress("ops-listen", o.OpsListen)) }

func checkAddress(setting, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s is %q: write HOST:PORT, such as 127.0.0.1:8080, or :8080 for every address of this machine", setting, address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%s is %q: the port must be a number from 0 to 65535", setting, address)
	}
	return nil
}

// checkApart demands a port of its own.
func (o *Ops) checkApart(public Identity) error {
	anyPort := strings.HasSuffix(public.Listen, ":0") // the system assigns different ports
	if public.Listen != o.OpsListen || anyPort {
		return nil
	}
	return fmt.Errorf("listen and ops-listen are both %s: give ops-listen a port of its own", public.Listen)
}
