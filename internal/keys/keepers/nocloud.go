//go:build !cloudkms

package keepers

// cloudSchemes returns the schemes of the clouds: none without the tag.
func cloudSchemes() []scheme { return nil }
