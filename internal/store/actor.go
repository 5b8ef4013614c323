package store

// ActorType is the kind of an [Actor].
type ActorType string

// The kinds of actors.
const (
	ActorOperator ActorType = "operator" // a command; the ID is the account and the host it ran under, "root@db1"
	ActorServer   ActorType = "server"   // a server by itself, on a timer for instance; the ID is its host
	ActorClient   ActorType = "client"   // the ID is the client_id
	ActorUser     ActorType = "user"     // the ID is the user's id
)

// Actor is the author of a change, as the audit shows it. The store refuses the zero Actor.
type Actor struct {
	Type ActorType
	ID   string
}
