package main

import (
	"authserver/internal/admin"
)

type userCommand struct {
	Create userCreate `cmd:"" help:"Add a user." example:"authserver user create --username alice --role admin --password-stdin < password.txt"`
	List   userList   `cmd:"" help:"List the users." example:"authserver user list --search alice --limit 20"`
	Show   userShow   `cmd:"" help:"Show a user." example:"authserver user show alice"`
	Update userUpdate `cmd:"" help:"Change a user: only the flags that you give. A repeated flag replaces the list; an empty value clears it." example:"authserver user update alice --disabled"`
	Unlock userUnlock `cmd:"" help:"Reset the counters of a user's failed logins, so that the next login does not wait." example:"authserver user unlock alice"`
	Delete userDelete `cmd:"" help:"Delete a user. The user's tokens are void at once." example:"authserver user delete alice"`
}

// UserFlags are the properties of a user.
type UserFlags struct {
	Email      *string  `help:"E-mail address. No two users share one."`
	UPN        *string  `name:"upn" help:"User principal name. No two users share one."`
	Role       []string `field:"roles" sep:"none" help:"Role in the user's tokens. Repeats."`
	Permission []string `field:"permissions" sep:"none" help:"Permission in the user's tokens. Repeats."`
	Claim      []string `field:"claims" sep:"none" placeholder:"NAME=VALUE" help:"Custom claim of the user's tokens, with a value in JSON or a string. Repeats."`
	UserProfileFlags
	PasswordStdin bool `field:"password" help:"Read the password from standard input, or ask for it on a terminal: 8 characters to 1024 bytes, and none of the most common."`
}

func (f UserFlags) input(p *process) (admin.UserInput, error) {
	custom, err := claims(f.Claim)
	if err != nil {
		return admin.UserInput{}, err
	}
	input := admin.UserInput{
		Email: f.Email, UPN: f.UPN,
		Roles: list(f.Role), Permissions: list(f.Permission), Claims: custom,
		UserProfileInput: f.UserProfileFlags.input(),
	}
	if f.PasswordStdin {
		password, err := p.newPassword()
		if err != nil {
			return admin.UserInput{}, err
		}
		input.Password = &password
	}
	return input, nil
}

type userCreate struct {
	UserSettings
	Output
	Existing
	UserFlags
	Username string `required:"" help:"Name to log in with."`
	Disabled bool   `help:"Add the user disabled."`
}

func (c *userCreate) Run(p *process) error {
	input, err := c.input(p)
	if err != nil {
		return err
	}
	input.Username, input.Disabled = &c.Username, &c.Disabled
	return with(p, &c.UserSettings, func(a *admin.Admin) error { return c.register(p, a, input) })
}

func (c *userCreate) register(p *process, a *admin.Admin, input admin.UserInput) error {
	get := func() (admin.User, error) { return a.Users.Named(p.ctx, p.by, c.Username) }
	return register(p, c.Existing, c.Output, "user", c.Username, get, func() error {
		user, err := a.Users.Create(p.ctx, p.by, input)
		if err != nil {
			return err
		}
		return c.done(p, user)
	})
}

type userList struct {
	Database
	Output
	Listing
}

func (c *userList) Run(p *process) error {
	return with(p, &c.Database, func(a *admin.Admin) error {
		users, err := rows(c.Listing, func(page admin.Page) ([]admin.User, error) { return a.Users.List(p.ctx, p.by, page) },
			func(v admin.User) string { return v.Username })
		if err != nil {
			return err
		}
		return printList(c.Output, p.stdout, users, "id", "username", "email", "roles", "permissions", "disabled")
	})
}

type userShow struct {
	Database
	Output
	User string `arg:"" help:"Username, e-mail address, UPN or id."`
}

func (c *userShow) Run(p *process) error {
	return with(p, &c.Database, func(a *admin.Admin) error {
		user, err := a.Users.Get(p.ctx, p.by, c.User)
		if err != nil {
			return err
		}
		return c.show(p.stdout, user)
	})
}

type userUpdate struct {
	UserSettings
	Output
	UserFlags
	User     string  `arg:"" help:"Username, e-mail address, UPN or id."`
	Username *string `help:"New name to log in with."`
	Disabled *bool   `xor:"disabled" help:"Disable the user, whose tokens are void at once."`
	Enabled  *bool   `xor:"disabled" help:"Enable the user again."`
}

func (c *userUpdate) Run(p *process) error {
	input, err := c.input(p)
	if err != nil {
		return err
	}
	input.Username, input.Disabled = c.Username, toggle(c.Disabled, c.Enabled)
	if err := p.changes(input); err != nil {
		return err
	}
	return with(p, &c.UserSettings, func(a *admin.Admin) error {
		user, err := a.Users.Update(p.ctx, p.by, c.User, input)
		if err != nil {
			return err
		}
		return c.done(p, user)
	})
}

type userUnlock struct {
	Database
	User string `arg:"" help:"Username, e-mail address, UPN or id."`
}

func (c *userUnlock) Run(p *process) error {
	return with(p, &c.Database, func(a *admin.Admin) error {
		user, err := a.Users.Unlock(p.ctx, p.by, c.User)
		if err != nil {
			return err
		}
		p.report("user %s is unlocked: servers hear of it within a second", user.Username)
		return nil
	})
}

type userDelete struct {
	Database
	Consent
	User string `arg:"" help:"Username, e-mail address, UPN or id."`
}

func (c *userDelete) Run(p *process) error {
	return with(p, &c.Database, func(a *admin.Admin) error {
		user, err := a.Users.Get(p.ctx, p.by, c.User)
		if err != nil {
			return err
		}
		if err := c.ask(p, "Deleting user "+user.Username+" voids the user's access tokens and refresh tokens at once."); err != nil {
			return err
		}
		if err := a.Users.Delete(p.ctx, p.by, user.ID); err != nil {
			return err
		}
		p.report("user %s is deleted", user.Username)
		return nil
	})
}
