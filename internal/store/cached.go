package store

import "context"

// Cached serves the rows that every request needs from memory, so that a client_credentials request
// of a known client makes no query. The caller calls Changed for each topic of a [Watcher].
type Cached struct {
	clients   *Cache[Client]
	resources *Cache[Resource]
	issuers   *Cache[[]Issuer]
	users     *Cache[User]
	origins   *Cache[map[string]bool] // under "" alone
}

// NewCached makes caches, each of the given bounds, in front of s.
func NewCached(s Rows, options CacheOptions) (*Cached, error) {
	var c Cached
	var err error
	if c.clients, err = NewCache(s.Client, options); err != nil {
		return nil, err
	}
	if c.resources, err = NewCache(s.Resource, options); err != nil {
		return nil, err
	}
	if c.issuers, err = NewCache(s.IssuersOf, options); err != nil {
		return nil, err
	}
	if c.users, err = NewCache(s.User, options); err != nil {
		return nil, err
	}
	if c.origins, err = NewCache(func(ctx context.Context, _ string) (map[string]bool, error) { return originsOf(ctx, s) }, options); err != nil {
		return nil, err
	}
	return &c, nil
}

// Client implements [Clients].
func (c *Cached) Client(ctx context.Context, id string) (Client, error) {
	return c.clients.Get(ctx, id)
}

// Resource implements [Resources].
func (c *Cached) Resource(ctx context.Context, id string) (Resource, error) {
	return c.resources.Get(ctx, id)
}

// IssuersOf implements [Issuers].
func (c *Cached) IssuersOf(ctx context.Context, iss string) ([]Issuer, error) {
	return c.issuers.Get(ctx, iss)
}

// User returns a user from the cache, which may be some seconds old: use it to show a name, not to
// decide whether a user may log in.
func (c *Cached) User(ctx context.Context, id string) (User, error) {
	return c.users.Get(ctx, id)
}

// Origin reports whether a redirect URI of a client that is not disabled has the origin, as
// a browser writes it.
func (c *Cached) Origin(ctx context.Context, origin string) (bool, error) {
	all, err := c.origins.Get(ctx, "")
	_, known := all[origin]
	return known, err
}

// FramingOrigin is Origin for clients with session management only.
func (c *Cached) FramingOrigin(ctx context.Context, origin string) (bool, error) {
	all, err := c.origins.Get(ctx, "")
	return all[origin], err
}

// Changed drops the rows of the topic from the cache.
func (c *Cached) Changed(topic Topic) {
	switch topic {
	case TopicClients:
		c.clients.Purge()
		c.origins.Purge()
	case TopicResources:
		c.resources.Purge()
	case TopicIssuers:
		c.issuers.Purge()
	case TopicUsers:
		c.users.Purge()
	case TopicKeys, TopicRevocations: // followed by their own views
	}
}
