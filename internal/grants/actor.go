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

// maxActors bounds how many act one for the other (RFC 8693 §4.1).
const maxActors = 4

// actor is one party of the claim "act" (RFC 8693 §4.1).
type actor struct {
	subject string
	issuer  string // in whose names subject is one; "": in those of this server
}

// actorOf is the claim "act" of the token that is issued: the party that acts now, and
// within it those that acted before. The party that acts now is left out where the client
// may impersonate the subject, which a policy has to name.
func (g *Exchange) actorOf(client store.Client, subject, acting party, delegated bool, name string) (map[string]any, error) {
	before, err := g.Trust.actors(subject)
	if err != nil {
		return nil, badToken("subject_token", err)
	}
	if err := g.mayAct(subject, acting); err != nil {
		return nil, oauth.Fail(oauth.InvalidRequest, "actor_not_allowed",
			"subject_token names in may_act the party that may act for its subject, and "+err.Error())
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
	return nested(slices.Insert(before, 0, actor{acting.subject, g.Trust.nameOf(acting.iss)}))
}

// actsNow checks those that acted before where none acts after them: the last of them is
// the party that acts now, which the issuer of the token can say of its own parties alone.
func (t *Trust) actsNow(of party, before []actor) error {
	if len(before) > 0 && before[0].issuer != t.nameOf(of.iss) {
		return errors.New("its act names a party of another issuer as the one that acts now")
	}
	return nil
}

// carried is the claim "act" of what an assertion buys: that of the assertion, so that
// nothing hides who acts for its subject.
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

// nameOf is the issuer of an actor as the claim has it: "" for this server.
func (t *Trust) nameOf(iss string) string {
	if iss == t.Self {
		return ""
	}
	return iss
}

// nested writes actors as one claim, the first outermost; nil where there are none.
func nested(actors []actor) (map[string]any, error) {
	if len(actors) > maxActors {
		return nil, oauth.Fail(oauth.InvalidRequest, "actors_too_many", fmt.Sprintf("more than %d would act one for the other", maxActors))
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

// actors reads the claim "act" of a token, the last that acted first. A foreign issuer
// names its own parties: where it says nothing else they are its own, and it cannot say
// that a party of this server acted.
func (t *Trust) actors(of party) ([]actor, error) {
	malformed := errors.New("its act is malformed: it has to be an object with the text sub, perhaps the text iss, and perhaps another act (RFC 8693 section 4.1)")
	var found []actor
	value, there := of.all["act"]
	for there {
		act, ok := value.(map[string]any)
		subject, err := jose.Text(act, "sub")
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

// mayAct holds the party that acts against the claim "may_act" (RFC 8693 §4.4): each of
// its members is a claim of that party, and all of them together say which party it is.
// Without "iss" it is a party of the token's issuer or of this server.
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
			return errors.New("that is another party than the one that acts: each claim that it names has to be that party's")
		}
	}
	if _, ok := named["iss"]; !ok && acting.iss != g.Trust.Self && acting.iss != subject.iss {
		return errors.New("that is a party of the same issuer or of this server, and the one that acts is of another issuer")
	}
	return nil
}
