//go:build pkcs11 && cgo

package pkcs11

import (
	"slices"
	"testing"
)

func TestAKeyThatStaysAwayCostsFewLogins(t *testing.T) {
	var m misses
	var logins []int
	for i := 1; i <= 100; i++ {
		if m.worthANewLogin("pkcs11:id=%01") {
			logins = append(logins, i)
		}
	}
	if want := []int{1, 2, 4, 8, 16, 32, 64}; !slices.Equal(logins, want) {
		t.Errorf("it logs in anew for the times %v, want %v", logins, want)
	}
	if !m.worthANewLogin("pkcs11:id=%02") {
		t.Error("it does not log in anew for another key")
	}
}
