package grants

import (
	"errors"
	"fmt"
	"slices"

	"authserver/internal/jose"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/trust/assertions"
)

// maxActors bounds a chain of actors (RFC 8693 §4.1).
const maxActors = 4

// actor is one party of the claim "act" (RFC 8693 §4.1).
type actor struct {
	subject string
	issuer  string // the issuer that knows the subject; "": this server
}

// actorOf is the claim "act" of the new token: the current actor, and nested in it the
// prior actors. The current actor is left out if a policy allows the client to
// impersonate the subject.
func (g *Exchange) actorOf(client store.Client, subject, acting party, delegated bool, name string) (map[string]any, error) {
	before, err := g.Trust.actors(subject)
	if err != nil {
		return nil, badToken("subject_token", err)
	}
	if err := g.mayAct(subject, acting); err != nil {
		return nil, oauth.Fail(oauth.InvalidRequest, "actor_not_allowed",
			"may_act in subject_token names the party that may act for its subject, and "+err.Error())
	}
	impersonates := func(pattern string) bool {
		return assertions.Matches(pattern, name) || assertions.Matches(pattern, subject.subject)
	}
	if !delegated && slices.ContainsFunc(client.Impersonates, impersonates) {
		if err := g.Trust.actsNow(subject, before); err != nil {
			return nil, badToken("subject_token", err)
		}
		return nested(before)
	}
	return nested(slices.Insert(before, 0, actor{acting.told(), g.Trust.nameOf(acting.iss)}))
}

// actsNow checks the prior actors if no actor is added: the last of them is the current actor, and
// and the issuer of the token may name only its own parties there.
func (t *Trust) actsNow(of party, before []actor) error {
	if len(before) > 0 && before[0].issuer != t.nameOf(of.iss) {
		return errors.New("its act names a party of another issuer as the current actor")
	}
	return nil
}

// carried is the claim "act" of the token for an assertion: that of the assertion, so that its
// actors stay visible.
func (t *Trust) carried(claims map[string]any, iss string) (map[string]any, error) {
	of := party{iss: iss, all: claims}
	before, err := t.actors(of)
	if err == nil {
		err = t.actsNow(of, before)
	}
	if err != nil {
		return nil, refuseAssertion("assertion_actor", err)
	}
	return nested(before)
}

// nameOf is the issuer of an actor for the claim: "" for this server.
func (t *Trust) nameOf(iss string) string {
	if iss == t.Self {
		return ""
	}
	return iss
}

// nested writes actors as one claim, the first outermost; nil: there are none.
func nested(actors []actor) (map[string]any, error) {
	if len(actors) > maxActors {
		return nil, oauth.Fail(oauth.InvalidRequest, "actors_too_many", fmt.Sprintf("the token would name more than %d actors: exchange an earlier token", maxActors))
	}
	var act map[string]any
	for _, a := range slices.Backward(actors) {
		outer := map[string]any{"sub": a.subject}
		if a.issuer != "" {
			outer["iss"] = a.issuer
		}
		if act != nil {
			outer["act"] = act
		}
		act = outer
	}
	return act, nil
}

// actors reads the claim "act" of a token, the current actor first. An actor without
// "iss" in a foreign token is a party of its issuer. A foreign issuer cannot name
// parties of this server.
func (t *Trust) actors(of party) ([]actor, error) {
	malformed := errors.New("its act is malformed: it has to be an object with the text sub, perhaps the text iss, and perhaps another act (RFC 8693 section 4.1)")
	var found []actor
	value, there := of.all["act"]
	for there {
		act, ok := value.(map[string]any)
		subject, err := jose.StringClaim(act, "sub")
		if !ok || err != nil || subject == "" {
			return nil, malformed
		}
		iss := of.iss
		if named, ok := act["iss"]; ok {
			if iss, _ = named.(string); iss == "" {
				return nil, malformed
			}
			if iss == t.Self && of.iss != t.Self {
				return nil, errors.New("its act says that a party of this server acted, which its issuer cannot know")
			}
		}
		found = append(found, actor{subject, t.nameOf(iss)})
		value, there = act["act"]
	}
	return found, nil
}

// mayAct compares the current actor with the claim "may_act" (RFC 8693 §4.4): each of
// its members has to equal that claim of the actor. Without "iss" it is a party of the
// token's issuer or of this server.
func (g *Exchange) mayAct(subject, acting party) error {
	value, there := subject.all["may_act"]
	if !there {
		return nil
	}
	named, ok := value.(map[string]any)
	if name, _ := named["sub"].(string); !ok || name == "" {
		return errors.New("it is malformed: it has to be an object with the text sub")
	}
	for member, value := range named {
		text, ok := value.(string)
		if claim, has := acting.all[member].(string); !ok || !has || claim != text {
			return errors.New("that is another party than the actor: each claim in may_act has to be the actor's")
		}
	}
	if _, ok := named["iss"]; !ok && acting.iss != g.Trust.Self && acting.iss != subject.iss {
		return errors.New("that is a party of the same issuer or of this server, but the actor is of another issuer")
	}
	return nil
}
