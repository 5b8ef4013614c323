package keepers

import (
	"context"
	"fmt"
	"time"
)

// timeout is how long a key management service may take to answer. A start waits for it, so it is
// longer than a service needs and short enough for an operator who waits.
const timeout = 10 * time.Second

// Open opens the keeper that a URL names: hashivault://KEY, and in builds with the tag cloudkms
// awskms://…, azurekeyvault://… and gcpkms://….
//
// id names the key in rows and messages: it is the canonical form of the URL, the same for every
// spelling. It never contains a secret, because Open refuses a URL that could contain one, without
// repeating it.
//
// Open does not call the service. For a key that does not exist, or that may not be used, Encrypt
// and Decrypt of the keeper return an error. Each of them, and Open, ends within 10 s with an error
// that names the URL. Close the keeper after use.
func Open(ctx context.Context, url string) (keeper *Keeper, id string, err error) {
	return open(ctx, url, timeout)
}

func open(ctx context.Context, url string, timeout time.Duration) (*Keeper, string, error) {
	k, err := parse(url)
	if err != nil {
		return nil, "", err
	}
	id := k.id()
	// The client may keep its context, to fetch credentials again later, so it gets one that does
	// not end with the call.
	lasting := context.WithoutCancel(ctx)
	service, err := within(ctx, timeout, func(context.Context) (service, error) { return k.scheme.open(lasting, k) })
	if err != nil {
		return nil, "", fmt.Errorf("open master key %s: %w", id, err)
	}
	return &Keeper{service: service, id: id, timeout: timeout}, id, nil
}

// Schemes returns the schemes of this build, sorted.
func Schemes() []string {
	var names []string
	for _, s := range schemes() {
		names = append(names, s.name)
	}
	return names
}
