package main

import (
	"strings"

	"authserver/internal/admin"
)

type familyCommand struct {
	List   familyList   `cmd:"" help:"List the families of a user or a client." example:"authserver family list --user alice"`
	Show   familyShow   `cmd:"" help:"Show a family: whose it is, and when and why it ended." example:"authserver family show 5f0c2a9be1d64c07b1a3c2d9e8f70612"`
	Revoke familyRevoke `cmd:"" help:"Revoke a family. Its refresh token and its access tokens are void at once." example:"authserver family revoke 5f0c2a9be1d64c07b1a3c2d9e8f70612"`
}

type familyList struct {
	FamilySettings
	Output
	User   string `help:"Username, e-mail address, UPN or id of the user."`
	Client string `help:"The client_id."`
	Limit  int    `help:"At most this many entries."`
	After  string `empty:"" placeholder:"FAMILY" help:"Only those after this one, in the order of the list."`
}

func (c *familyList) Run(p *process) error {
	if c.User == "" && c.Client == "" {
		return usage("name a user with --user, a client with --client, or both")
	}
	return with(p, &c.FamilySettings, func(a *admin.Admin) error {
		families, err := rows(Listing{Limit: c.Limit, After: c.After},
			func(page admin.Page) ([]admin.Family, error) {
				return a.Families.List(p.ctx, p.by, admin.FamilyQuery{User: c.User, Client: c.Client, Page: page})
			},
			func(v admin.Family) string { return v.ID })
		if err != nil {
			return err
		}
		return printList(c.Output, p.stdout, families, "id", "state", "username", "client_id", "created_at", "rotated_at", "revoked_at", "revocation_reason")
	})
}

// FamilyName is embedded by commands for one family.
type FamilyName struct {
	Family string `arg:"" help:"The id of a family, from the log or a list; or a refresh token or an access token of it; - is standard input."`
}

// read returns the name without the blanks around it, and whether it is an id, for which no
// key is needed.
func (f FamilyName) read(p *process) (name string, isID bool, err error) {
	name = f.Family
	if name == "-" {
		data, err := p.read("FAMILY", "-")
		if err != nil {
			return "", false, err
		}
		name = string(data)
	}
	name = strings.TrimSpace(name)
	return name, !strings.ContainsAny(name, "._"), nil
}

// needed are the settings for finding a family: with an id, no key is opened.
func (f *FamilyTokenSettings) needed(isID bool) administration {
	if isID {
		return &f.FamilySettings
	}
	return f
}

type familyShow struct {
	FamilyTokenSettings
	Output
	FamilyName
}

func (c *familyShow) Run(p *process) error {
	name, isID, err := c.FamilyName.read(p)
	if err != nil {
		return err
	}
	return with(p, c.needed(isID), func(a *admin.Admin) error {
		family, err := a.Families.Get(p.ctx, p.by, name)
		if err != nil {
			return err
		}
		return c.show(p.stdout, family)
	})
}

type familyRevoke struct {
	FamilyTokenSettings
	Consent
	FamilyName
}

func (c *familyRevoke) Run(p *process) error {
	name, isID, err := c.FamilyName.read(p)
	if err != nil {
		return err
	}
	return with(p, c.needed(isID), func(a *admin.Admin) error {
		family, err := a.Families.Get(p.ctx, p.by, name)
		if err != nil {
			return err
		}
		if family.State == admin.FamilyRevoked {
			p.report("family %s was revoked before (%s): nothing was changed", family.ID, family.Revocation)
			return nil
		}
		if err := c.ask(p, "Revoking family "+family.ID+" ends the login of user "+family.Username+" at client "+family.ClientID+". Its tokens are void at once."); err != nil {
			return err
		}
		if err := a.Families.Revoke(p.ctx, p.by, family.ID); err != nil {
			return err
		}
		p.report("family %s is revoked", family.ID)
		return nil
	})
}
