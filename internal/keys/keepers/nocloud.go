//go:build !cloudkms

package keepers

// cloudSchemes are those of the clouds: none without the tag.
func cloudSchemes() []scheme { return nil }
