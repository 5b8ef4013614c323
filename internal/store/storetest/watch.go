package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"authserver/internal/store"
)

func watchTests() []test {
	return []test{
		{"a watcher begins with every topic", watchBegins},
		{"a change by any handle is told within a second", watchChanges},
		{"what grows with traffic is not announced", watchTraffic},
		{"a watcher ends with its context, even without a listener", watchEnds},
	}
}

const (
	// busy is how long anything may take on a machine that runs other tests at the same time.
	busy = 30 * time.Second
	// settled is longer than a watcher waits for its own notification. A watcher that did not get
	// it sends every topic again.
	settled = 2 * time.Second
)

// watching starts a watcher and reads all topics with which it begins.
func watching(t *testing.T, s store.Store) <-chan store.Topic {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	topics := make(chan store.Topic)
	ended := make(chan struct{})
	go func() {
		s.Watch(ctx, topics)
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(busy):
			t.Error("the watcher did not end with its context")
		}
	})
	var first []store.Topic
	for range store.Topics() {
		first = append(first, next(t, topics))
	}
	slices.Sort(first)
	same(t, first, slices.Sorted(slices.Values(store.Topics())))
	for {
		select {
		case <-topics:
		case <-time.After(settled):
			return topics
		}
	}
}

func next(t *testing.T, topics <-chan store.Topic) store.Topic {
	t.Helper()
	select {
	case topic := <-topics:
		return topic
	case <-time.After(busy):
		t.Fatalf("nothing was told within %s", busy)
		return ""
	}
}

func watchBegins(t *testing.T, open Open) {
	_, s := migrated(t, open)
	watching(t, s)
	watching(t, s)
}

func watchChanges(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open()}
	topics := watching(t, one)
	told, late := 0, 0
	for i, step := range []struct {
		what  string
		topic store.Topic
		do    func(store.Store) error
	}{
		{"create a client", store.TopicClients, func(s store.Store) error { return s.CreateClient(ctx, aClient("web"), By()) }},
		{"update a client", store.TopicClients, func(s store.Store) error { return s.UpdateClient(ctx, aClient("web"), By()) }},
		{"create a user", store.TopicUsers, func(s store.Store) error { return s.CreateUser(ctx, aUser("alice"), By()) }},
		{"update a user", store.TopicUsers, func(s store.Store) error { return s.UpdateUser(ctx, aUser("alice"), By()) }},
		{"create a resource", store.TopicResources, func(s store.Store) error { return s.CreateResource(ctx, aResource("urn:a"), By()) }},
		{"update a resource", store.TopicResources, func(s store.Store) error { return s.UpdateResource(ctx, aResource("urn:a"), By()) }},
		{"delete a resource", store.TopicResources, func(s store.Store) error { return s.DeleteResource(ctx, "urn:a", By()) }},
		{"create an issuer", store.TopicIssuers, func(s store.Store) error { return s.CreateIssuer(ctx, anIssuer("urn:i"), By()) }},
		{"update an issuer", store.TopicIssuers, func(s store.Store) error { return s.UpdateIssuer(ctx, anIssuer("urn:i"), By()) }},
		{"delete an issuer", store.TopicIssuers, func(s store.Store) error { return s.DeleteIssuer(ctx, "urn:i", By()) }},
		{"add a key", store.TopicKeys, func(s store.Store) error { return add(ctx, s, aKey("1", "ES256", "", 0)) }},
		{"change it", store.TopicKeys, func(s store.Store) error {
			return change(ctx, s, []store.SigningKey{aKey("1", "ES256", "", time.Hour)}, nil)
		}},
		{"give it a certificate", store.TopicKeys, func(s store.Store) error {
			key := aKey("1", "ES256", "", time.Hour)
			key.Certificates = [][]byte{{1}}
			return change(ctx, s, []store.SigningKey{key}, nil)
		}},
		{"reseal it", store.TopicKeys, func(s store.Store) error {
			return s.ReplaceSealed(ctx, store.SealedValue{Table: "signing_keys", ID: "1", Sealed: []byte{0, 255, 1}}, []byte{1}, By())
		}},
		{"promise lifetimes", store.TopicKeys, func(s store.Store) error {
			return s.PromiseLifetimes(ctx, lifetimes("a", time.Minute, time.Hour), at(0))
		}},
		{"add a secret key", store.TopicKeys, func(s store.Store) error {
			return s.CreateSecretKey(ctx, store.SecretKey{Purpose: "refresh", ID: 1, Sealed: []byte{1}, CreatedAt: at(0), ActiveAt: at(0)}, By())
		}},
		{"reschedule it", store.TopicKeys, func(s store.Store) error {
			return s.RescheduleSecretKey(ctx, store.SecretKey{Purpose: "refresh", ID: 1, ActiveAt: at(time.Hour)}, By())
		}},
		{"add a data key", store.TopicKeys, func(s store.Store) error {
			return s.CreateDataKeys(ctx, []store.DataKey{{ID: 1, Sealed: []byte{1}, CreatedAt: at(0)}}, By())
		}},
		{"delete it", store.TopicKeys, func(s store.Store) error { return s.DeleteDataKeys(ctx, []store.DataKey{{ID: 1}}, By()) }},
		{"revoke", store.TopicRevocations, func(s store.Store) error { return s.Revoke(ctx, aVoid("1", time.Hour)) }},
		{"let a revocation grow", store.TopicRevocations, func(s store.Store) error { return s.Revoke(ctx, aVoid("1", 2*time.Hour)) }},
	} {
		// The watcher's own handle and another one take turns.
		if err := step.do(handles[i%2]); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		var got store.Topic
		select {
		case got = <-topics:
		case <-time.After(time.Second):
			late++
			got = next(t, topics)
		}
		if told++; got != step.topic {
			t.Fatalf("%s: told of %s, want %s", step.what, got, step.topic)
		}
	}
	// The limit is for most of them: a machine that runs other tests at the same time delays some.
	if late > told/2 {
		t.Errorf("%d of %d changes are told later than within a second", late, told)
	}
	ok(t, one.DeleteUser(ctx, "alice", Voiding(voidsUser("alice", 0))))
	both := []store.Topic{next(t, topics), next(t, topics)}
	slices.Sort(both)
	same(t, both, []store.Topic{store.TopicRevocations, store.TopicUsers})
}

func watchTraffic(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	f := withFamily(t, ctx, one)
	ok(t, add(ctx, one, aKey("1", "ES256", "", 0)))
	ok(t, one.PromiseLifetimes(ctx, lifetimes("a", time.Minute, time.Hour), at(0)))
	topics := watching(t, open())
	other := aFamily(2)
	ok(t, one.CreateFamily(ctx, other))
	for generation := range uint32(3) {
		same(t, must[store.RotationResult](t)(one.Rotate(ctx, present(f, generation+1, time.Minute))).Outcome, store.Rotated)
	}
	ok(t, one.RecordKeyUse(ctx, map[string]store.Moment{"1": at(time.Hour)}))
	ok(t, one.PromiseLifetimes(ctx, lifetimes("a", time.Minute, 2*time.Hour), at(time.Second)))
	ok(t, one.UseOnce(ctx, store.Use{Issuer: "urn:idp", ID: [32]byte{}, ExpiresAt: at(time.Hour)}))
	must[int](t)(one.Sweep(ctx, at(100*time.Hour), 100))
	ok(t, one.CreateResource(ctx, aResource("urn:last"), By()))
	same(t, next(t, topics), store.TopicResources)
	ok(t, one.Revoke(ctx, aVoid("1", time.Hour)))
	same(t, next(t, topics), store.TopicRevocations)
}

func watchEnds(t *testing.T, open Open) {
	_, s := migrated(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		s.Watch(ctx, make(chan store.Topic))
		close(ended)
	}()
	cancel()
	select {
	case <-ended:
	case <-time.After(busy):
		t.Error("the watcher did not end with its context")
	}
}
