package keepers

import (
	"context"
	"fmt"
	"time"
)

// timeout is how long a key management service may take to answer. A start waits
// for it, so it is longer than a service needs and shorter than an operator's
// patience.
const timeout = 10 * time.Second

// Open opens the keeper that a URL names: hashivault://KEY, and in builds with the
// tag cloudkms awskms://…, azurekeyvault://… and gcpkms://….
//
// id names what is behind it in rows and messages: the URL in one canonical form,
// the same however the same key was written. It never holds a secret, because a
// URL that could hold one is refused, without repeating it.
//
// Nothing is asked of the service yet: a key that does not exist, or may not be
// used, is an error of the keeper's Encrypt and Decrypt. Each of them, and Open, ends
// within 10 s with an error that names the URL. Close the keeper after use.
func Open(ctx context.Context, url string) (keeper *Keeper, id string, err error) {
	return open(ctx, url, timeout)
}

func open(ctx context.Context, url string, timeout time.Duration) (*Keeper, string, error) {
	k, err := parse(url)
	if err != nil {
		return nil, "", err
	}
	id := k.id()
	// What is opened may hold on to its context, to fetch credentials again later,
	// so it gets one that does not end with the call.
	lasting := context.WithoutCancel(ctx)
	service, err := within(ctx, timeout, func(context.Context) (service, error) { return k.scheme.open(lasting, k) })
	if err != nil {
		return nil, "", fmt.Errorf("open master key %s: %w", id, err)
	}
	return &Keeper{service: service, id: id, timeout: timeout}, id, nil
}

// Schemes returns those that this build knows, sorted.
func Schemes() []string {
	var names []string
	for _, s := range schemes() {
		names = append(names, s.name)
	}
	return names
}
