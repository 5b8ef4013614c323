package main

import (
	"authserver/internal/admin"
)

type sessionCommand struct {
	List   sessionList   `cmd:"" help:"List the sessions of a user, or all of them." example:"authserver session list --user alice"`
	Show   sessionShow   `cmd:"" help:"Show a session: whose it is, and when and why it ended." example:"authserver session show 5f0c2a9be1d64c07b1a3c2d9e8f70612"`
	Revoke sessionRevoke `cmd:"" help:"End a session, or every session of a user. Tokens that are not for offline access are void at once." example:"authserver session revoke --user alice"`
}

type sessionList struct {
	FamilySettings
	Output
	User  string `help:"Username, e-mail address, UPN or id of the user."`
	Limit int    `help:"At most this many entries."`
	After string `empty:"" placeholder:"SESSION" help:"Only those after this one, in the order of the list."`
}

func (c *sessionList) Run(p *process) error {
	return with(p, &c.FamilySettings, func(a *admin.Admin) error {
		sessions, err := rows(Listing{Limit: c.Limit, After: c.After},
			func(page admin.Page) ([]admin.Session, error) {
				return a.Sessions.List(p.ctx, p.by, admin.SessionQuery{User: c.User, Page: page})
			},
			func(v admin.Session) string { return v.ID })
		if err != nil {
			return err
		}
		return printList(c.Output, p.stdout, sessions, "id", "state", "username", "device", "address", "created_at", "seen_at", "ended_at", "end_reason")
	})
}

type sessionShow struct {
	FamilySettings
	Output
	Session string `arg:"" help:"The id of a session, from the log or a list."`
}

func (c *sessionShow) Run(p *process) error {
	return with(p, &c.FamilySettings, func(a *admin.Admin) error {
		session, err := a.Sessions.Get(p.ctx, p.by, c.Session)
		if err != nil {
			return err
		}
		return c.show(p.stdout, session)
	})
}

type sessionRevoke struct {
	FamilySettings
	Consent
	Session string `arg:"" optional:"" help:"The id of a session, from the log or a list."`
	User    string `help:"End every session of this user: username, e-mail address, UPN or id."`
}

func (c *sessionRevoke) Run(p *process) error {
	if (c.Session == "") == (c.User == "") {
		return usage("name a session, or a user with --user")
	}
	if c.User != "" {
		return with(p, &c.FamilySettings, c.revokeAll(p))
	}
	return with(p, &c.FamilySettings, func(a *admin.Admin) error {
		session, err := a.Sessions.Get(p.ctx, p.by, c.Session)
		if err != nil {
			return err
		}
		if session.State == admin.SessionEnded {
			p.report("session %s ended before (%s): nothing was changed", session.ID, session.Reason)
			return nil
		}
		if err := c.ask(p, "Ending session "+session.ID+" signs user "+session.Username+" out of that browser, and out of every application that was signed in to with it."); err != nil {
			return err
		}
		if err := a.Sessions.Revoke(p.ctx, p.by, session.ID); err != nil {
			return err
		}
		p.report("session %s is ended", session.ID)
		return nil
	})
}

func (c *sessionRevoke) revokeAll(p *process) func(a *admin.Admin) error {
	return func(a *admin.Admin) error {
		user, err := a.Users.Get(p.ctx, p.by, c.User)
		if err != nil {
			return err
		}
		if err := c.ask(p, "Ending every session of user "+user.Username+" signs the user out of every browser, and out of every application that was signed in to with one."); err != nil {
			return err
		}
		ended, err := a.Sessions.RevokeAll(p.ctx, p.by, user.ID)
		if err != nil {
			return err
		}
		p.report("sessions of user %s that are ended: %d", user.Username, ended)
		return nil
	}
}
