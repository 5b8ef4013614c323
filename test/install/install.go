// Package install installs what the tests need on the machine that runs them, with its package
// manager. install.sh does the work; the Makefile and .ci/run call it directly.
package install

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

//go:embed install.sh
var script string

// Tools installs the missing ones of the tools (the words of install.sh), and writes to log what it
// does. If ctx ends, it interrupts the package manager. The error says what failed, and log says
// what to install by hand.
func Tools(ctx context.Context, log io.Writer, tools ...string) error {
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", script, "install.sh"}, tools...)...)
	cmd.Stdout = log
	cmd.Stderr = log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("install %s: %w", strings.Join(tools, ", "), err)
	}
	return nil
}
