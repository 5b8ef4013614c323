package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"authserver/internal/server"
)

// version is set by the linker: -ldflags "-X main.version=1.2.3".
var version string

// buildVersion is the version of the linker flag, or else that of the go command.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

type versionCommand struct{}

func (*versionCommand) Run(p *process) error {
	_, err := fmt.Fprintln(p.stdout, versionLine())
	return err
}

// versionLine describes this binary.
func versionLine() string {
	return fmt.Sprintf("authserver %s (%s, %s/%s, tokens signed by %s)",
		buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH, server.SignedBy())
}
