package admin

import (
	"context"
	"errors"
	"fmt"

	"authserver/internal/store"
	"authserver/internal/trust/assertions"
)

// explainHere makes the checks of an assertion that are about what is known here: how
// it has to come, of whom it may speak, and whether it was used.
func (a *Admin) explainHere(ctx context.Context, parsed assertions.Parsed, encryption string, by signer) ([]assertions.Finding, error) {
	findings := []assertions.Finding{assertions.Found("encryption", by.CheckEncryption(encryption),
		"encrypt it as is registered, or change that with `authserver issuer update --encryption-alg`")}
	if subject, err := parsed.Subject(by.SubjectClaim); err == nil { // else that is what is wrong
		known, err := a.explainSubject(ctx, by, subject)
		if err != nil {
			return nil, err
		}
		findings = append(findings, known)
	}
	if id, err := parsed.ID(); err == nil && (by.proves || !by.repeats) {
		used, err := a.Store.AssertionUsed(ctx, by.Uses, id)
		if err != nil {
			return nil, err
		}
		var again error
		if used {
			again = errors.New("it was used before")
		}
		findings = append(findings, assertions.Found("first use", again, "make a new one for each request, with a jti of its own"))
	}
	return findings, nil
}

// explainSubject says whether the subject is somebody here of whom the signer may speak.
func (a *Admin) explainSubject(ctx context.Context, by signer, subject string) (assertions.Finding, error) {
	err := a.subject(ctx, by, subject)
	change := ""
	switch {
	case err == nil:
	case errors.Is(err, errNotItself):
		change = "set sub to the client_id, as iss is"
	case errors.Is(err, assertions.ErrSubjectUnknown) && by.issuer.SubjectKind == store.SubjectClient:
		change = "register the client, or see --subject and --subject-claim of the issuer"
	case errors.Is(err, assertions.ErrSubjectUnknown):
		change = "register the user with that name, email or UPN, or see --subject and --subject-claim of the issuer"
	case errors.Is(err, assertions.ErrSubjectDisabled):
		change = "enable the user or client with --enabled"
	case errors.Is(err, assertions.ErrSubjectUnauthorised):
		change = "let the client speak for the user with --assert-user or --assert-role"
	case errors.Is(err, assertions.ErrSubjectTaken):
		change = "have the issuer use other names, or register it with another --subject"
	default:
		return assertions.Finding{}, err
	}
	if err != nil {
		err = fmt.Errorf("%w: it is %q", err, subject)
	}
	return assertions.Found("subject here", err, "%s", change), nil
}

var errNotItself = errors.New("its sub is not the client_id of the client that proves itself")

func (a *Admin) subject(ctx context.Context, by signer, subject string) error {
	subjects := assertions.Subjects{Users: a.Store, Clients: a.Store, Names: a.Store}
	var err error
	switch {
	case by.proves && subject != by.client.ID:
		return errNotItself
	case by.client != nil:
		_, err = subjects.FindOwn(ctx, *by.client, subject)
	default:
		_, err = subjects.Find(ctx, by.issuer, subject)
	}
	return err
}
