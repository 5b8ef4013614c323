package store

import "context"

// Topic names what a change is about.
type Topic string

// The topics.
const (
	TopicClients     Topic = "clients"
	TopicUsers       Topic = "users"
	TopicResources   Topic = "resources"
	TopicIssuers     Topic = "issuers"
	TopicKeys        Topic = "keys"
	TopicRevocations Topic = "revocations"
)

// Topics returns every topic.
func Topics() []Topic {
	return []Topic{TopicClients, TopicUsers, TopicResources, TopicIssuers, TopicKeys, TopicRevocations}
}

// Watcher tells what was changed, by this process or another.
type Watcher interface {
	// Watch sends a topic to changed within a second of the commit of a change, and
	// every topic once it listens and after each time it may have missed one. It
	// rides out lost connections by itself, and returns when ctx ends.
	Watch(ctx context.Context, changed chan<- Topic)
}
