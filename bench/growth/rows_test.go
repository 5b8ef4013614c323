package growth

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// The identifiers follow from a number. They are as scattered as random ones, so that every part of
// an index is used, and need not be stored.
const (
	usersSeed = iota + 1
	familiesSeed
	tokensSeed
)

const (
	client   = "web"
	idle     = 14 * 24 * time.Hour
	absolute = 90 * 24 * time.Hour
	remember = time.Hour // of a revocation
	// refreshed is the generation of each: SQLite stores small numbers in fewer bytes.
	refreshed = 1 << 16
)

// scatter is splitmix64.
func scatter(seed, i uint64) uint64 {
	z := seed<<56 ^ (i+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func bytes16(seed uint64, i int) (b [16]byte) {
	binary.BigEndian.PutUint64(b[:8], scatter(seed, 2*uint64(i)))
	binary.BigEndian.PutUint64(b[8:], scatter(seed, 2*uint64(i)+1))
	return b
}

func userID(i int) string {
	b := bytes16(usersSeed, i)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return uuid.UUID(b).String()
}

func username(i int) string { return fmt.Sprintf("%012x", scatter(usersSeed, uint64(i))>>16) }

func user(i int, now time.Time) store.User {
	made := store.At(now.Add(-time.Duration(i%1000) * time.Hour))
	return store.User{
		ID: userID(i), Username: username(i), Email: username(i) + "@example.com",
		PasswordHash: []byte("$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"),
		Roles:        []string{"reader"}, NotBefore: made, Version: 1, CreatedAt: made, UpdatedAt: made,
	}
}

// family is a login of the user with the same number, within the last two weeks,
// refreshed since, and good for two days at least.
func family(i int, now time.Time) store.Family {
	u := user(i, now)
	made := store.At(now.Add(-idle * time.Duration(scatter(familiesSeed, uint64(i))%1000) / 1000))
	return store.Family{
		ID: bytes16(familiesSeed, i), ClientID: client, UserID: u.ID, Scope: oauth.Scope{"read", "write"},
		Resources: []string{"https://api.example.com"}, Generation: refreshed, CreatedAt: made, RotatedAt: made,
		ClientNotBefore: registered(), UserNotBefore: u.NotBefore,
		IdleExpiresAt: store.At(made.Add(idle)).Add(48 * time.Hour), ExpiresAt: store.At(made.Add(absolute)),
	}
}

// void returns the Void of a revocation.
func void(r store.Revocation) store.Void {
	return store.Void{Kind: r.Kind, Value: r.Value, Before: r.Before, Until: r.ExpiresAt, Reason: r.Reason}
}

// reuse returns the Void of a reused family.
func reuse(id store.FamilyID, now time.Time) store.Void {
	return store.Void{Kind: store.RevokedFamily, Value: id.String(), Before: store.At(now), IssuedUntil: store.At(now), Reason: "refresh_reused"}
}

// revocation returns a revocation, of a token every other time, and otherwise of a family or a
// user.
func revocation(i int, now time.Time) store.Revocation {
	id := bytes16(tokensSeed, i)
	r := store.Revocation{
		Before: store.At(now), Reason: "revoked",
		ExpiresAt: store.At(now.Add(remember + time.Duration(scatter(tokensSeed, uint64(i))%uint64(remember)))),
	}
	switch i % 4 {
	case 0, 1:
		r.Kind, r.Value = store.RevokedToken, base64.RawURLEncoding.EncodeToString(append(id[:], make([]byte, 22)...))
	case 2:
		r.Kind, r.Value = store.RevokedFamily, store.FamilyID(id).String()
	case 3:
		r.Kind, r.Value = store.RevokedUser, uuid.UUID(id).String()
	}
	return r
}

// registered is when the client was registered.
func registered() store.Moment { return time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC) }

func web() store.Client {
	made := registered()
	return store.Client{
		ID: client, AuthMethods: []oauth.AuthMethod{oauth.AuthNone}, Grants: []oauth.GrantType{oauth.Password, oauth.RefreshToken},
		RefreshIdle: idle, RefreshMax: absolute, NotBefore: made, Version: 1, CreatedAt: made, UpdatedAt: made,
	}
}
