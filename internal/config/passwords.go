package config

// Passwords has the settings for hashing passwords, and client secrets that an administrator chose.
type Passwords struct {
	BcryptCost int `name:"bcrypt-cost" setting:"flag env file" group:"Passwords" default:"12" help:"Cost of bcrypt, from 4 to 16: each step doubles the time. Less than 10 is for tests."`
}

func (p *Passwords) complete(*completion) []error {
	return present(checkNumber("bcrypt-cost", p.BcryptCost, 4, 16))
}

// NewPasswords has the rules for new passwords.
type NewPasswords struct {
	PasswordMinLength int `name:"password-min-length" setting:"flag env file" group:"Passwords" default:"8" help:"Minimum length of a new password in characters, from 8 to 64. If people sign in with nothing but a password, NIST SP 800-63B-4 asks for 15."`
}

func (p *NewPasswords) complete(*completion) []error {
	return present(checkNumber("password-min-length", p.PasswordMinLength, 8, 64))
}

// Logins bounds the number of passwords that the server compares at once.
type Logins struct {
	PasswordWorkers int `name:"password-workers" setting:"flag env file" group:"Passwords" default:"0" help:"Number of passwords that are compared at once. 0 means one for each processor, less one if there are three or more."`
	PasswordQueue   int `name:"password-queue" setting:"flag env file" group:"Passwords" default:"64" help:"Maximum number of logins by password that wait; one client may fill half. Beyond that the server answers 503 or 429."`
}

func (l *Logins) complete(*completion) []error {
	return present(checkNumber("password-workers", l.PasswordWorkers, 0, 1024), checkNumber("password-queue", l.PasswordQueue, 1, 100_000))
}
