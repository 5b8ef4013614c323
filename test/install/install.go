// Package install brings what the tests need onto the machine that runs them,
// through its package manager. The work is done by install.sh, which the
// Makefile and .ci/run call as it is.
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

// Tools installs those of the tools (the words that install.sh knows) that are
// missing, and tells log what it does. When ctx ends it interrupts the package
// manager. The error says what failed, and log what to install by hand.
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
