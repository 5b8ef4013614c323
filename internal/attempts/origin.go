package attempts

import (
	"crypto/sha256"
	"net/netip"

	"authserver/internal/store"
)

// networkBits is the length of the IPv4 network that counts as one origin: an attacker easily gets
// other addresses in the same /24. For IPv6 it is the /64 of web.ClientAddress, in which a
// subscriber can choose any address (RFC 6177 §2).
const networkBits = 24

// Origin is the origin of an attempt.
type Origin struct {
	// Share is that of web.ClientAddress: an IPv4 address, or an IPv6 network of 64 bits.
	Share string
	// Device names a browser in which this account signed in before; "": another browser.
	Device string
	// Backend is set if the address belongs to a confidential client with many users: the address
	// says nothing about one of them.
	Backend bool
}

// network is the key by which guesses at one account count.
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

// of returns the counters for an unknown browser: the account in the network, and the address.
func (o Origin) of(account [sha256.Size]byte) []store.FailureKey {
	keys := []store.FailureKey{{Account: account, Origin: "network " + o.network()}}
	if !o.Backend {
		keys = append(keys, store.FailureKey{Origin: "address " + o.Share})
	}
	return keys
}

// device returns the counter for a browser in which the account signed in before.
func (o Origin) device(account [sha256.Size]byte) store.FailureKey {
	return store.FailureKey{Account: account, Origin: "device " + o.Device}
}
