package attempts

import (
	"crypto/sha256"
	"net/netip"

	"authserver/internal/store"
)

// networkBits is how much of an IPv4 address counts for one account. A company or a provider
// gives an attacker other addresses of the same /24 for nothing. Of IPv6 the /64 of
// web.ClientAddress does: in it a subscriber can choose any address (RFC 6177 §2).
const networkBits = 24

// Origin is where an attempt comes from.
type Origin struct {
	// Share is that of web.ClientAddress: an IPv4 address, or an IPv6 network of 64 bits.
	Share string
	// Device names a browser in which this very account signed in before; "": none did.
	Device string
	// Backend is set where the address is that of a client with credentials, behind which
	// there are many people: it says nothing about any of them.
	Backend bool
}

// network is what guesses at one account count by.
func (o Origin) network() string {
	address, err := netip.ParseAddr(o.Share)
	if err != nil || !address.Is4() {
		return o.Share
	}
	network, err := address.Prefix(networkBits)
	if err != nil {
		return o.Share
	}
	return network.String()
}

// of are the counters of an account for a stranger: the account in the network, and the
// address.
func (o Origin) of(account [sha256.Size]byte) []store.FailureKey {
	keys := []store.FailureKey{{Account: account, Origin: "network " + o.network()}}
	if !o.Backend {
		keys = append(keys, store.FailureKey{Origin: "address " + o.Share})
	}
	return keys
}

// device is the counter of an account for a browser in which it signed in before.
func (o Origin) device(account [sha256.Size]byte) store.FailureKey {
	return store.FailureKey{Account: account, Origin: "device " + o.Device}
}
