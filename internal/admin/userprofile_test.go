package admin_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/admin"
	"authserver/internal/store"
)

func TestAProfileIsKeptAndTakenAway(t *testing.T) {
	o := newOffice(t)
	u, err := o.Users.Create(t.Context(), by, admin.UserInput{
		Username: ptr("alice"), Password: ptr("curiouser-and-curiouser"), Email: ptr("alice@example.com"),
		UserProfileInput: admin.UserProfileInput{
			Name: ptr("Älice Liddell"), GivenName: ptr("Älice"), FamilyName: ptr("Liddell"), ProfilePage: ptr("https://example.com/alice"), Picture: ptr("http://example.com/a.png"),
			EmailVerified: ptr(true), Birthdate: ptr("0000-02-29"), Zoneinfo: ptr("America/Argentina/Ushuaia"), Locale: ptr("en-GB"),
			PhoneNumber: ptr("+1 (425) 555-1212;ext=5678"), PhoneNumberVerified: ptr(true), Address: ptr("1 Main St\nOxford"), Country: ptr("UK"),
		},
	})
	o.must(err)
	want := store.UserProfile{
		Name: "Älice Liddell", GivenName: "Älice", FamilyName: "Liddell", Profile: "https://example.com/alice", Picture: "http://example.com/a.png", EmailVerified: true,
		Birthdate: "0000-02-29", Zoneinfo: "America/Argentina/Ushuaia", Locale: "en-GB", PhoneNumber: "+1 (425) 555-1212;ext=5678", PhoneNumberVerified: true,
		Address: store.Address{Formatted: "1 Main St\nOxford", Country: "UK"},
	}
	if diff := cmp.Diff(want, u.UserProfile); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	u, err = o.Users.Update(t.Context(), by, "alice", admin.UserInput{UserProfileInput: admin.UserProfileInput{Name: ptr(""), Birthdate: ptr(""), Locale: ptr("")}})
	o.must(err)
	want.Name, want.Birthdate, want.Locale = "", "", ""
	if diff := cmp.Diff(want, u.UserProfile); diff != "" {
		t.Errorf("taken away (-want +got)\n%s", diff)
	}
}

// A new address or number is not verified.
func TestWhatWasVerifiedIsNotAnother(t *testing.T) {
	o := newOffice(t)
	_, err := o.Users.Create(t.Context(), by, admin.UserInput{
		Username: ptr("alice"), Password: ptr("curiouser-and-curiouser"), Email: ptr("alice@example.com"),
		UserProfileInput: admin.UserProfileInput{EmailVerified: ptr(true), PhoneNumber: ptr("+14255551212"), PhoneNumberVerified: ptr(true)},
	})
	o.must(err)
	verified := func(in admin.UserInput, email, phone bool) {
		t.Helper()
		u, err := o.Users.Update(t.Context(), by, "alice", in)
		o.must(err)
		if u.EmailVerified != email || u.PhoneNumberVerified != phone {
			t.Errorf("email %v and phone %v are verified, want %v and %v", u.EmailVerified, u.PhoneNumberVerified, email, phone)
		}
	}
	verified(admin.UserInput{Email: ptr("ALICE@example.com")}, true, true) // the same one
	verified(admin.UserInput{Email: ptr("other@example.com")}, false, true)
	verified(admin.UserInput{UserProfileInput: admin.UserProfileInput{PhoneNumber: ptr("+14255551213")}}, false, false)
	verified(admin.UserInput{Email: ptr("alice@example.com"), UserProfileInput: admin.UserProfileInput{EmailVerified: ptr(true)}}, true, false)
}

func TestProfilesThatAreRefused(t *testing.T) {
	o := newOffice(t)
	o.user("alice")
	for name, test := range map[string]struct {
		in    admin.UserProfileInput
		words []string
	}{
		"a name of two lines":               {admin.UserProfileInput{Name: ptr("a\nb")}, []string{"name", "control"}},
		"an address with an escape":         {admin.UserProfileInput{Address: ptr("a\x1bb")}, []string{"address", "control"}},
		"a picture that is a script":        {admin.UserProfileInput{Picture: ptr("javascript://x/%0aalert(1)")}, []string{"picture", "https"}},
		"a page that is relative":           {admin.UserProfileInput{Website: ptr("example.com")}, []string{"website", "relative"}},
		"a day that there is not":           {admin.UserProfileInput{Birthdate: ptr("2001-02-29")}, []string{"birthdate", "YYYY-MM-DD"}},
		"a day as it is said":               {admin.UserProfileInput{Birthdate: ptr("1 May 1999")}, []string{"birthdate"}},
		"a zone with a blank":               {admin.UserProfileInput{Zoneinfo: ptr("Europe/New Town")}, []string{"zoneinfo", "Europe/Paris"}},
		"a language that is none":           {admin.UserProfileInput{Locale: ptr("english language")}, []string{"locale", "en-US"}},
		"a number without its country":      {admin.UserProfileInput{PhoneNumber: ptr("0151 123")}, []string{"phone_number", "E.164"}},
		"no address to verify":              {admin.UserProfileInput{EmailVerified: ptr(true)}, []string{"email_verified", "email"}},
		"no number to verify":               {admin.UserProfileInput{PhoneNumberVerified: ptr(true)}, []string{"phone_number_verified", "phone_number"}},
		"a page that is longer than it may": {admin.UserProfileInput{ProfilePage: ptr("https://example.com/" + string(make([]byte, 2048)))}, []string{"profile", "longer"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, created := o.Users.Create(t.Context(), by, admin.UserInput{Username: ptr("bob"), Password: ptr("curiouser-and-curiouser"), UserProfileInput: test.in})
			wantFaults(t, created, test.words...)
			_, updated := o.Users.Update(t.Context(), by, "alice", admin.UserInput{UserProfileInput: test.in})
			wantFaults(t, updated, test.words...)
		})
	}
}
