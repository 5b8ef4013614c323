package pages

import "time"

// samples are pages that together reach every branch of every template. A theme has to be
// able to render them.
func samples() []Page {
	at := time.Date(2026, 3, 14, 9, 26, 0, 0, time.UTC)
	app := Client{
		Name: "Photo Album", Host: "photos.example.com", LogoURI: "data:image/svg+xml;base64," + sampleLogo,
		PolicyURI: "https://photos.example.com/privacy", TermsURI: "https://photos.example.com/terms",
	}
	bare := Client{Name: "crm"}
	form := Form{Action: "/login", Continue: "c2VhbGVk", Destination: "https://photos.example.com/callback"}
	consent := Form{Action: "/consent", Continue: "c2VhbGVk", Destination: "com.example.photos:/callback"}
	scopes := []Scope{{Name: "openid"}, {Name: "profile"}, {Name: "email"}, {Name: "address"}, {Name: "phone"}, {Name: "offline_access"}}
	api := []Scope{{Name: "albums:read", Text: "see your albums"}, {Name: "albums:write"}}
	all := []Page{
		Login{Client: app, Form: form},
		Login{Client: bare, Form: form, Username: "alice", Fault: LoginWrong},
		Login{Form: form, Username: "alice", Again: true},
		Consent{Client: app, Form: consent, User: "Alice Liddell (alice)", Groups: []ConsentGroup{{Scopes: scopes}, {"Album API", api}}, SwitchURI: "/switch", AccountURI: "/account"},
		Consent{Client: bare, Form: consent, User: "alice", Groups: []ConsentGroup{{"https://api.example.com", api}}},
		Accounts{Client: app, Form: form, Accounts: []AccountChoice{{"1", "Alice Liddell", "alice"}, {"2", "", "bob"}}},
		Accounts{Form: form},
		Logout{Client: app, Form: form, User: "Alice Liddell (alice)"},
		Logout{Form: form, User: "alice"},
		LoggedOut{Client: app, ReturnURI: "https://photos.example.com/", Frames: []string{"https://photos.example.com/logout?sid=1"}},
		LoggedOut{ReturnURI: "https://photos.example.com/"},
		LoggedOut{ReturnURI: "com.example.photos:/signed-out"},
		LoggedOut{},
		FormPost{Client: app, RedirectURI: "https://photos.example.com/callback", Fields: []Field{{"code", "aco_1"}, {"state", "x"}}},
		FormPost{RedirectURI: "com.example.photos:/callback"},
		sampleAccount(at, app, bare, scopes),
		Account{Base: "/account", Username: "bob", Sessions: []AccountSession{{ID: "1", CreatedAt: at, SeenAt: at}}},
	}
	for _, fault := range []LoginFault{LoginBlank, LoginSlow, LoginBusy} {
		all = append(all, Login{Client: app, Form: form, Fault: fault})
	}
	for _, kind := range []ErrorKind{ErrorRequest, ErrorServer, ErrorUnavailable, ErrorNotFound, ErrorOrigin} {
		all = append(all, Error{
			Client: app, Code: "invalid_request", Description: "redirect_uri is not registered for this client",
			RequestID: "0f4c1f6e9a7b4d52", Kind: kind, RetryURI: "/login",
		}, Error{Kind: kind})
	}
	for _, fault := range append(PasswordFaults(), ProfileInvalid) {
		account := sampleAccount(at, app, bare, scopes)
		account.Fault = fault
		all = append(all, account)
	}
	for _, notice := range []AccountNotice{PasswordChanged, ProfileSaved, SessionEnded, SessionsEnded, AppRemoved} {
		all = append(all, Account{Base: "/account", Username: "bob", MinPassword: 8, Notice: notice})
	}
	return all
}

func sampleAccount(at time.Time, app, bare Client, scopes []Scope) Account {
	account := Account{
		Base: "/account", Username: "alice", Name: "Alice Liddell", MinPassword: 8,
		Sessions: []AccountSession{
			{ID: "1", Device: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", Address: "192.0.2.7", CreatedAt: at, SeenAt: at, Current: true},
			{ID: "2", Device: "curl/8.5.0", Address: "2001:db8::7", CreatedAt: at, SeenAt: at},
		},
		Apps: []AccountApp{{ID: "photos", Client: app, Scopes: scopes, GrantedAt: at}, {ID: "crm", Client: bare, GrantedAt: at}},
	}
	for _, name := range profileNames() {
		account.Profile = append(account.Profile, ProfileField{Name: name, Value: "x", Editable: true}, ProfileField{Name: name})
	}
	return account
}

// sampleLogo is a picture in base64.
const sampleLogo = "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA2NCA2NCI+PHJlY3Qgd2lkdGg9IjY0IiBoZWlnaHQ9IjY0IiBmaWxsPSIjMGY3NjZlIi8+PGNpcmNsZSBjeD0iNDQiIGN5PSIyMiIgcj0iNyIgZmlsbD0iI2ZkZTY4YSIvPjxwYXRoIGQ9Ik04IDUwbDE2LTIyIDEyIDE1IDgtOSAxMiAxNnoiIGZpbGw9IiNmZmYiLz48L3N2Zz4="
