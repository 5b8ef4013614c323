package main

import "authserver/internal/admin"

// UserProfileFlags are the standard claims about a user, which applications get.
type UserProfileFlags struct {
	Name                *string `group:"Profile" help:"Full name."`
	GivenName           *string `group:"Profile" placeholder:"NAME" help:"Given names."`
	FamilyName          *string `group:"Profile" placeholder:"NAME" help:"Family names."`
	MiddleName          *string `group:"Profile" placeholder:"NAME" help:"Middle names."`
	Nickname            *string `group:"Profile" placeholder:"NAME" help:"Nickname."`
	PreferredUsername   *string `group:"Profile" placeholder:"NAME" help:"Name by which the user wishes to be called. The default is the username."`
	Profile             *string `group:"Profile" placeholder:"URL" help:"Page about the user."`
	Picture             *string `group:"Profile" placeholder:"URL" help:"Picture of the user."`
	Website             *string `group:"Profile" placeholder:"URL" help:"Page of the user."`
	EmailVerified       *bool   `group:"Profile" negatable:"" help:"The user's e-mail address has been verified. A new --email removes this."`
	Gender              *string `group:"Profile" placeholder:"TEXT" help:"Gender."`
	Birthdate           *string `group:"Profile" placeholder:"YYYY-MM-DD" help:"Date of birth, or its year alone."`
	Zoneinfo            *string `group:"Profile" placeholder:"ZONE" help:"Time zone, such as Europe/Paris."`
	Locale              *string `group:"Profile" placeholder:"TAG" help:"Language, such as en-US."`
	PhoneNumber         *string `group:"Profile" placeholder:"NUMBER" help:"Phone number, such as +14255551212."`
	PhoneNumberVerified *bool   `group:"Profile" negatable:"" help:"The user's phone number has been verified. A new --phone-number removes this."`
	Address             *string `group:"Profile" placeholder:"TEXT" help:"Postal address as on a letter."`
	StreetAddress       *string `group:"Profile" placeholder:"TEXT" help:"Street and number."`
	Locality            *string `group:"Profile" placeholder:"TEXT" help:"City."`
	Region              *string `group:"Profile" placeholder:"TEXT" help:"State or province."`
	PostalCode          *string `group:"Profile" placeholder:"CODE" help:"Postal code."`
	Country             *string `group:"Profile" placeholder:"TEXT" help:"Country."`
}

func (f UserProfileFlags) input() admin.UserProfileInput {
	return admin.UserProfileInput{
		Name: f.Name, GivenName: f.GivenName, FamilyName: f.FamilyName, MiddleName: f.MiddleName, Nickname: f.Nickname, PreferredUsername: f.PreferredUsername,
		ProfilePage: f.Profile, Picture: f.Picture, Website: f.Website, EmailVerified: f.EmailVerified, Gender: f.Gender, Birthdate: f.Birthdate,
		Zoneinfo: f.Zoneinfo, Locale: f.Locale, PhoneNumber: f.PhoneNumber, PhoneNumberVerified: f.PhoneNumberVerified, Address: f.Address,
		StreetAddress: f.StreetAddress, Locality: f.Locality, Region: f.Region, PostalCode: f.PostalCode, Country: f.Country,
	}
}
