package passwords

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed" // for the list
	"fmt"
	"strings"
)

// mostCommon is a sorted list in lower case: see common/README.md.
//
//go:embed common/passwords.txt.gz
var mostCommon []byte

// isCommon reports whether a password is among the 100,000 most common, in whatever case. It reads
// the whole list each time. That takes some milliseconds, much less than the hash that follows, and
// no memory.
func isCommon(password string) (bool, error) {
	wanted := strings.ToLower(password)
	unpacked, err := gzip.NewReader(bytes.NewReader(mostCommon))
	if err != nil {
		return false, fmt.Errorf("open the list of common passwords: %w", err)
	}
	lines := bufio.NewScanner(unpacked)
	for lines.Scan() {
		if line := lines.Text(); line >= wanted {
			return line == wanted, nil
		}
	}
	if err := lines.Err(); err != nil {
		return false, fmt.Errorf("read the list of common passwords: %w", err)
	}
	return false, nil
}
