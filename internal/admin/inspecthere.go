package admin

import (
	"context"
	"errors"
	"fmt"

	"authserver/internal/store"
	"authserver/internal/trust/assertions"
)

// explainHere makes the checks of an assertion against the database: its encryption, its subject,
// and whether it was used.
func (ins *Inspector) explainHere(ctx context.Context, parsed assertions.Parsed, encryption string, by signer) ([]Finding, error) {
	findings := []Finding{found("encryption", by.CheckEncryption(encryption), "encrypt it as is registered, or change that with %v", by.update("encryption_alg"))}
	if subject, err := parsed.Subject(by.SubjectClaim); err == nil { // otherwise that is the fault
		known, err := ins.explainSubject(ctx, by, subject)
		if err != nil {
			return nil, err
		}
		findings = append(findings, known)
	}
	if id, err := parsed.ID(); err == nil && (by.proves || !by.repeats) {
		used, err := ins.Assertions.AssertionUsed(ctx, by.Uses, id)
		if err != nil {
			return nil, err
		}
		var again error
		if used {
			again = errors.New("it was used before")
		}
		findings = append(findings, found("first use", again, "make a new one for each request, with a jti of its own"))
	}
	return findings, nil
}

// found is the finding of a check; nil: no fault, so there is nothing to change.
func found(code FindingCode, err error, change string, args ...any) Finding {
	if err == nil {
		return Finding{Code: code, OK: true}
	}
	return Finding{Code: code, Text: Text{"%v", []any{err}}, Change: Text{change, args}}
}

// explainSubject says whether the subject is a user or client of this server that the signer may
// name.
func (ins *Inspector) explainSubject(ctx context.Context, by signer, subject string) (Finding, error) {
	const code FindingCode = "subject here"
	err := ins.subject(ctx, by, subject)
	told := fmt.Errorf("%w: it is %q", err, subject)
	switch {
	case err == nil:
		return Finding{Code: code, OK: true}, nil
	case errors.Is(err, errNotItself):
		return found(code, told, "set sub to the client_id, as iss is"), nil
	case errors.Is(err, assertions.ErrSubjectUnknown) && by.client != nil:
		return found(code, told, "register the user with that name, email or UPN: see %v", Operation{Noun: "user", Verb: "create"}), nil
	case errors.Is(err, assertions.ErrSubjectUnknown) && by.issuer.SubjectKind == store.SubjectClient:
		return found(code, told, "register the client, or see %v and %v", by.update("subject"), by.update("subject_claim")), nil
	case errors.Is(err, assertions.ErrSubjectUnknown):
		return found(code, told, "register the user with that name, email or UPN, or see %v and %v", by.update("subject"), by.update("subject_claim")), nil
	case errors.Is(err, assertions.ErrSubjectDisabled):
		noun := "user"
		if by.client == nil && by.issuer.SubjectKind == store.SubjectClient {
			noun = "client"
		}
		return found(code, told, "enable it with %v", Operation{Noun: noun, Verb: "update", ID: subject}.with("disabled", "false")), nil
	case errors.Is(err, assertions.ErrSubjectUnauthorised):
		return found(code, told, "let the client speak for the user with %v or %v", by.update("assert_users"), by.update("assert_roles")), nil
	case errors.Is(err, assertions.ErrSubjectTaken):
		return found(code, told, "have the issuer use other names, or register it with another kind of subject: see %v", by.update("subject")), nil
	}
	return Finding{}, err
}

var errNotItself = errors.New("its sub is not the client_id of the client that proves itself")

func (ins *Inspector) subject(ctx context.Context, by signer, subject string) error {
	subjects := assertions.Subjects{Users: ins.Users, Clients: ins.Clients, Names: ins.Names}
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
