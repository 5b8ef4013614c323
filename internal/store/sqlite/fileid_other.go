//go:build unix && !linux

package sqlite

// identify returns the file at a path, and its size in bytes.
func identify(path string) (fileID, int64, error) { return stat(path) }
