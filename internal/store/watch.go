package store

import "context"

// Topic is the subject of a change.
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

// Watcher notifies of changes by this process or another.
type Watcher interface {
	// Watch sends a topic to changed within a second of the commit of a change, and every topic
	// when it begins to listen and whenever it may have missed one. It reconnects by itself, and
	// returns when ctx ends.
	Watch(ctx context.Context, changed chan<- Topic)
}
