package storetest

import (
	"context"
	"testing"
	"time"

	"authserver/internal/store"
)

func userTests() []test {
	return []test{
		{"a user comes back as created, by each name", with(userRoundTrip)},
		{"users without email and principal name do not collide", with(userNoNames)},
		{"a name that is taken is refused, on creation and on update", with(userExists)},
		{"an update counts the version and replaces everything but the creation", with(userUpdate)},
		{"an update of an old version is a conflict and changes nothing", with(userConflict)},
		{"a user that is not there is not found", with(userMissing)},
		{"a deletion takes the families and voids the access tokens", with(userDelete)},
		{"a listing goes through the usernames byte by byte", with(userList)},
	}
}

func fullUser() store.User {
	return store.User{
		ID: "7f1c", Username: "älice", Email: "alice@example.com", UPN: "alice@corp.example",
		PasswordHash: []byte("$2a$12$hash"), Roles: []string{"b", "a"}, Permissions: []string{"p'q"}, Claims: aClaims(),
		Disabled: true, NotBefore: at(time.Hour), Version: 1, CreatedAt: at(0), UpdatedAt: at(time.Hour),
	}
}

func userRoundTrip(t *testing.T, ctx context.Context, s store.Store) {
	want := fullUser()
	ok(t, s.CreateUser(ctx, want, By()))
	same(t, must[store.User](t)(s.User(ctx, want.ID)), want)
	same(t, must[store.User](t)(s.UserByName(ctx, store.ByUsername, want.Username)), want)
	same(t, must[store.User](t)(s.UserByName(ctx, store.ByEmail, want.Email)), want)
	same(t, must[store.User](t)(s.UserByName(ctx, store.ByUPN, want.UPN)), want)
	_, err := s.UserByName(ctx, store.ByUsername, want.Email)
	wantErr(t, err, store.ErrNotFound)
	if _, err := s.UserByName(ctx, "shoe size", want.Username); err == nil {
		t.Error("a user was found by a kind of name that there is not")
	}
}

func userNoNames(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, s.CreateUser(ctx, aUser("one"), By()))
	ok(t, s.CreateUser(ctx, aUser("two"), By()))
	same(t, must[store.User](t)(s.User(ctx, "one")), aUser("one"))
	for _, kind := range []store.NameKind{store.ByEmail, store.ByUPN} {
		_, err := s.UserByName(ctx, kind, "")
		wantErr(t, err, store.ErrNotFound)
	}
}

func userExists(t *testing.T, ctx context.Context, s store.Store) {
	first := fullUser()
	ok(t, s.CreateUser(ctx, first, By()))
	clash := map[string]func(*store.User){
		"id":       func(u *store.User) { u.ID = first.ID },
		"username": func(u *store.User) { u.Username = first.Username },
		"email":    func(u *store.User) { u.Email = first.Email },
		"upn":      func(u *store.User) { u.UPN = first.UPN },
	}
	for name, change := range clash {
		u := aUser("second")
		change(&u)
		if err := s.CreateUser(ctx, u, By()); err == nil {
			t.Errorf("a second user with the same %s was created", name)
		} else {
			wantErr(t, err, store.ErrExists)
		}
	}
	ok(t, s.CreateUser(ctx, aUser("second"), By()))
	delete(clash, "id")
	for _, change := range clash {
		u := aUser("second")
		change(&u)
		voids := voidsUser("second", 0)
		wantErr(t, s.UpdateUser(ctx, u, Voiding(voids)), store.ErrExists)
	}
	same(t, must[store.User](t)(s.User(ctx, "second")), aUser("second"))
	same(t, len(recorded(t, ctx, s)), 0)
}

func userUpdate(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, s.CreateUser(ctx, aUser("alice"), By()))
	want := fullUser()
	want.ID, want.CreatedAt = "alice", at(-time.Hour)
	voids := voidsUser("alice", time.Minute)
	ok(t, s.UpdateUser(ctx, want, Voiding(voids)))
	want.Version, want.CreatedAt = 2, at(0)
	same(t, must[store.User](t)(s.User(ctx, "alice")), want)
	same(t, recorded(t, ctx, s), []store.Revocation{kept(voids)})
}

func userConflict(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, s.CreateUser(ctx, aUser("alice"), By()))
	mine, theirs := aUser("alice"), aUser("alice")
	mine.Email, theirs.Email = "mine@example.com", "theirs@example.com"
	ok(t, s.UpdateUser(ctx, mine, By()))
	voids := voidsUser("alice", 0)
	wantErr(t, s.UpdateUser(ctx, theirs, Voiding(voids)), store.ErrConflict)
	same(t, must[store.User](t)(s.User(ctx, "alice")).Email, "mine@example.com")
	same(t, len(recorded(t, ctx, s)), 0)
}

func userMissing(t *testing.T, ctx context.Context, s store.Store) {
	_, err := s.User(ctx, "nobody")
	wantErr(t, err, store.ErrNotFound)
	wantErr(t, s.UpdateUser(ctx, aUser("nobody"), By()), store.ErrNotFound)
	wantErr(t, s.DeleteUser(ctx, "nobody", Voiding(voidsUser("nobody", 0))), store.ErrNotFound)
	same(t, len(recorded(t, ctx, s)), 0)
}

func userDelete(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	ok(t, s.CreateUser(ctx, aUser("bob"), By()))
	other := aFamily(2)
	other.UserID = "bob"
	ok(t, s.CreateFamily(ctx, other))
	voids := voidsUser("alice", time.Minute)
	ok(t, s.DeleteUser(ctx, "alice", Voiding(voids)))
	_, err := s.User(ctx, "alice")
	wantErr(t, err, store.ErrNotFound)
	_, err = s.Family(ctx, f.ID)
	wantErr(t, err, store.ErrNotFound)
	_, err = s.Family(ctx, other.ID)
	ok(t, err)
	same(t, recorded(t, ctx, s), []store.Revocation{kept(voids)})
}

func userList(t *testing.T, ctx context.Context, s store.Store) {
	want := []string{"B", "a", "a.b", "ab", "b", "é"}
	for i := range want {
		u := aUser(want[i])
		u.ID, u.Username = string(rune('z'-i)), want[i]
		ok(t, s.CreateUser(ctx, u, By()))
	}
	var got []string
	for _, after := range []string{"", "a.b"} {
		for _, u := range must[[]store.User](t)(s.ListUsers(ctx, store.Page{After: after, Limit: 3})) {
			got = append(got, u.Username)
		}
	}
	same(t, got, want)
}
