package config

// Passwords is how passwords, and the secrets that a client brings, are hashed.
type Passwords struct {
	BcryptCost int `name:"bcrypt-cost" setting:"flag env file" group:"Passwords" default:"12" help:"Cost of bcrypt, from 4 to 16: each step doubles the time. Less than 10 is for tests."`
}

func (p *Passwords) complete(*completion) []error {
	return present(checkNumber("bcrypt-cost", p.BcryptCost, 4, 16))
}

// NewPasswords is what a new password has to be.
type NewPasswords struct {
	PasswordMinLength int `name:"password-min-length" setting:"flag env file" group:"Passwords" default:"8" help:"Fewest characters of a new password, from 8 to 64. Where a password is all that a person signs in with, NIST SP 800-63B-4 asks for 15."`
}

func (p *NewPasswords) complete(*completion) []error {
	return present(checkNumber("password-min-length", p.PasswordMinLength, 8, 64))
}

// Logins is how many passwords the server compares at once.
type Logins struct {
	PasswordWorkers int `name:"password-workers" setting:"flag env file" group:"Passwords" default:"0" help:"Password comparisons at once. 0 means one for each processor; of three and more processors one is left for other requests."`
	PasswordQueue   int `name:"password-queue" setting:"flag env file" group:"Passwords" default:"64" help:"Most logins by password that wait; one client may fill half. The server answers more with 503 or 429."`
}

func (l *Logins) complete(*completion) []error {
	return present(checkNumber("password-workers", l.PasswordWorkers, 0, 1024), checkNumber("password-queue", l.PasswordQueue, 1, 100_000))
}
