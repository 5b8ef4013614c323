package main

import (
	"authserver/internal/admin"
)

type consentCommand struct {
	List   consentList   `cmd:"" help:"List what a user lets clients ask for." example:"authserver consent list --user alice"`
	Revoke consentRevoke `cmd:"" help:"Take a user's consent for a client back. The user's tokens at the client are void at once." example:"authserver consent revoke --user alice web"`
}

type consentList struct {
	Database
	Output
	User  string `required:"" help:"Username, e-mail address, UPN or id of the user."`
	Limit int    `help:"At most this many entries."`
	After string `empty:"" placeholder:"CLIENT" help:"Only those after this client, in the order of the list."`
}

func (c *consentList) Run(p *process) error {
	return with(p, &c.Database, func(a *admin.Admin) error {
		consents, err := rows(Listing{Limit: c.Limit, After: c.After},
			func(page admin.Page) ([]admin.Consent, error) {
				return a.Consents.List(p.ctx, p.by, admin.ConsentQuery{User: c.User, Page: page})
			},
			func(v admin.Consent) string { return v.ClientID })
		if err != nil {
			return err
		}
		return printList(c.Output, p.stdout, consents, "client_id", "client_name", "scopes", "granted_at", "until")
	})
}

type consentRevoke struct {
	Database
	Consent
	User   string `required:"" help:"Username, e-mail address, UPN or id of the user."`
	Client string `arg:"" name:"client-id" field:"client_id" help:"The client_id."`
}

func (c *consentRevoke) Run(p *process) error {
	return with(p, &c.Database, func(a *admin.Admin) error {
		consent, err := a.Consents.Get(p.ctx, p.by, c.User, c.Client)
		if err != nil {
			return err
		}
		if err := c.ask(p, "Taking the consent of user "+consent.Username+" for client "+c.Client+" back ends every login of the user there. Its tokens are void at once."); err != nil {
			return err
		}
		if err := a.Consents.Revoke(p.ctx, p.by, consent.Subject, c.Client); err != nil {
			return err
		}
		p.report("the consent of user %s for client %s is taken back", consent.Username, c.Client)
		return nil
	})
}
