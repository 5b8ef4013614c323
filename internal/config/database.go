package config

import "errors"

// Database is the database that servers and commands work on.
type Database struct {
	DatabaseURL      Secret `name:"database-url" setting:"flag env file" group:"Database" placeholder:"URL" help:"sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME. Outside of serve it defaults to sqlite:.authserver/authserver.db."`
	DatabaseURLFile  string `name:"database-url-file" setting:"flag env file" group:"Database" placeholder:"FILE" help:"File that contains the database URL, instead of database-url."`
	DatabaseMaxConns int    `name:"database-max-conns" setting:"flag env file" group:"Database" default:"10" help:"Maximum number of connections of one server to PostgreSQL."`
}

// devDatabaseURL is the database of dev, and of a command that is given none.
const devDatabaseURL = "sqlite:.authserver/authserver.db"

// chosen reports whether the operator named a database.
func (d *Database) chosen() bool { return !d.DatabaseURL.Empty() || d.DatabaseURLFile != "" }

func (d *Database) complete(c *completion) []error {
	var faults []error
	switch {
	case c.mode != Serve && !d.chosen():
		d.DatabaseURL = NewSecret(devDatabaseURL)
	case d.DatabaseURLFile == "":
	case !d.DatabaseURL.Empty():
		faults = present(errors.New("database-url and database-url-file are both set: remove one"))
	default:
		url, err := readSecret("database-url-file", d.DatabaseURLFile, c.readFile)
		faults = present(err)
		d.DatabaseURL = url
	}
	return append(faults, present(d.checkURL(c.mode), checkNumber("database-max-conns", d.DatabaseMaxConns, 1, 1000))...)
}

// Schema is whether serve migrates the schema.
type Schema struct {
	NoMigrate bool `name:"no-migrate" setting:"flag env file" group:"Database" help:"Do not migrate the schema when serve starts. authserver migrate up does it instead."`
}

func (*Schema) complete(*completion) []error { return nil }
