package admin_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"

	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/admin"
	"authserver/internal/keys"
	"authserver/internal/keys/sealing"
	"authserver/internal/store"
	"authserver/internal/testkit"
)

func material(key crypto.Signer) keys.Material { return keys.Material{Private: key} }

// chained returns a self-signed certificate of the key that expires on that day of March 2026.
func chained(t *testing.T, key crypto.Signer, name string, expires int) []*x509.Certificate {
	t.Helper()
	template := x509.Certificate{
		Subject:   pkix.Name{CommonName: name},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2026, 3, expires, 0, 0, 0, 0, time.UTC),
	}
	return []*x509.Certificate{testkit.SelfSigned(t, template, key)}
}

func TestAKeyIsImported(t *testing.T) {
	o := newOffice(t)
	o.minter()
	key := newKey(t)
	brought := keys.Material{Private: key, Certificates: chained(t, key, "mine", 20)}
	imported, err := o.Keys.Import(t.Context(), by, admin.KeyImport{Key: brought})
	o.must(err)
	want := keys.Imported{
		KID: imported.KID, Alg: keys.ES256, State: keys.Pending, PublishedAt: o.now(), ActiveAt: o.now().Add(o.Keys.Signing.Timeline.RotationInterval), Certificates: 1,
	}
	if diff := cmp.Diff(want, imported); diff != "" {
		t.Errorf("imported (-want +got): %s", diff)
	}
	listed, err := o.Keys.List(t.Context(), by)
	o.must(err)
	if len(listed) != 2 || listed[1].KID != imported.KID || listed[1].Certificates != 1 {
		t.Errorf("listed %+v", listed)
	}
	// The certificates of the flag replace those in the key's file.
	other := newKey(t)
	brought = keys.Material{Private: other, Certificates: chained(t, newKey(t), "another's", 20)}
	_, err = o.Keys.Import(t.Context(), by, admin.KeyImport{Key: brought})
	wantFault(t, err, "certificates", admin.CodeConflict, "is of another key")
	imported, err = o.Keys.Import(t.Context(), by, admin.KeyImport{Key: brought, Certificates: chained(t, other, "mine", 20)})
	o.must(err)
	if imported.Certificates != 1 {
		t.Errorf("imported %+v", imported)
	}
}

func TestKeyImportsAreRefused(t *testing.T) {
	o := newOffice(t)
	o.minter()
	key := newKey(t)
	for want, k := range map[string]admin.KeyImport{
		"key: give either it or uri":  {},
		"key: give either it or uri ": {Key: material(key), URI: "pkcs11:object=mine"},
		"alg: an EC key on P-256 cannot sign RS256: leave the algorithm out, or set it to ES256": {Key: material(key), Alg: keys.RS256},
		"expired at 2026-03-01T00:00:00Z": {Key: material(key), Certificates: chained(t, key, "mine", 1)},
		"set pkcs11-module":               {URI: "pkcs11:object=mine"},
		"begins with pkcs11:":             {URI: "file:mine"},
	} {
		if _, err := o.Keys.Import(t.Context(), by, k); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("error = %v, want one that says %q", err, want)
		}
	}
	_, err := o.Keys.Import(t.Context(), by, admin.KeyImport{Key: material(key)})
	o.must(err)
	if _, err := o.Keys.Import(t.Context(), by, admin.KeyImport{Key: material(key)}); !errors.Is(err, store.ErrExists) || !strings.Contains(err.Error(), "is here already") {
		t.Errorf("imported twice: %v", err)
	}
	if listed, err := o.Keys.List(t.Context(), by); err != nil || len(listed) != 2 {
		t.Errorf("%d keys, %v, want the one that was there and one more", len(listed), err)
	}
}

func TestAKeyIsCertified(t *testing.T) {
	o := newOffice(t)
	o.minter()
	signer, err := o.Keys.Signing.Signer(keys.ES256)
	o.must(err)
	chain := chained(t, signer.Key, "mine", 20)
	for _, step := range []struct {
		name         string
		certificates []*x509.Certificate
		want         int
	}{
		{"for the first time", chain, 1},
		{"again", chained(t, signer.Key, "renewed", 25), 1},
		{"with nothing", nil, 0},
		{"with none in a list", []*x509.Certificate{}, 0},
	} {
		certified, err := o.Keys.Certify(t.Context(), by, signer.KID, step.certificates)
		o.must(err)
		if certified.KID != signer.KID || certified.State != keys.Active || certified.Certificates != step.want {
			t.Errorf("%s: %+v, want %d certificates", step.name, certified, step.want)
		}
	}
	_, err = o.Keys.Certify(t.Context(), by, signer.KID, chained(t, newKey(t), "another's", 20))
	wantFault(t, err, "certificates", admin.CodeConflict, "is of another key")
	if _, err := o.Keys.Certify(t.Context(), by, "unknown", chain); !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), `key "unknown" not found: key list shows`) {
		t.Errorf("error = %v, want one that names the key", err)
	}
}

func TestRefreshTokenKeysAreListedAndBroughtForward(t *testing.T) {
	o := newOffice(t)
	if listed, err := o.Keys.RefreshTokenKeys(t.Context(), by, false); err != nil || asJSON(t, listed) != "[]" {
		t.Errorf("before a server ran: %s, %v", asJSON(t, listed), err)
	}
	if _, err := o.Keys.RefreshTokenKeys(t.Context(), by, true); err == nil || !strings.Contains(err.Error(), "a server makes the first one") {
		t.Errorf("error = %v, want one that says to start a server first", err)
	}
	o.minter()
	server := &keys.RefreshKeys{
		Store: o.store, Sealer: o.MasterKeys.Sealer, Actor: by.Actor, Timeline: o.Keys.Signing.Effective, Now: o.Now, Rand: rand.Reader, Logger: slog.New(slog.DiscardHandler),
	}
	o.must(server.Load(t.Context()))
	if _, err := o.Keys.RefreshTokenKeys(t.Context(), by, true); err == nil || !strings.Contains(err.Error(), "not made yet") {
		t.Errorf("error = %v, want one that says to wait", err)
	}
	o.must(server.Tick(t.Context()))
	listed, err := o.Keys.RefreshTokenKeys(t.Context(), by, false)
	o.must(err)
	const month = 30 * 24 * time.Hour
	next := o.now().Add(month)
	want := []keys.ListedRefreshKey{
		{ID: 1, State: keys.Active, CreatedAt: o.now(), ActiveAt: o.now(), RetiredAt: &next},
		{ID: 2, State: keys.Pending, CreatedAt: o.now(), ActiveAt: next},
	}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("listed (-want +got): %s", diff)
	}
	listed, err = o.Keys.RefreshTokenKeys(t.Context(), by, true)
	o.must(err)
	if got := listed[1].ActiveAt.Sub(o.now()); got != 90*time.Second {
		t.Errorf("the next one is used in %v, want as soon as every server has it", got)
	}
	if got := asJSON(t, listed[1]); got != `{"id":2,"state":"pending","created_at":"2026-03-01T12:00:00.123456Z","active_at":"2026-03-01T12:01:30.123456Z","retired_at":null,"removed_at":null}` {
		t.Errorf("as JSON: %s", got)
	}
}

// openSealer opens the office's database with another master key.
func (o *office) openSealer(m sealing.Master) (*sealing.Sealer, error) {
	return sealing.Open(o.t.Context(), sealing.Options{Store: o.store, Keeper: m.Keeper(), MasterID: m.ID(), Actor: by.Actor, Now: o.Now, Rand: rand.Reader})
}

func TestEverythingIsResealed(t *testing.T) {
	o := newOffice(t)
	next, err := sealing.MasterFrom([32]byte{2})
	o.must(err)
	o.MasterKeys.Open = func(_ context.Context, to admin.MasterKey) (sealing.Keeper, string, error) {
		if to != (admin.MasterKey{Key: "the next one"}) {
			return nil, "", errors.New("another key was asked for")
		}
		return next.Keeper(), next.ID(), nil
	}
	to := admin.MasterKey{Key: "the next one"}
	secret := "a shared secret of thirty-two bytes!"
	_, _, err = o.Issuers.Create(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerInput: admin.IssuerInput{Keys: admin.IssuerKeys{Secret: []byte(secret)}, Scopes: []string{"read"}}})
	o.must(err)
	waits := 0
	done, err := o.MasterKeys.Reseal(t.Context(), by, to, func(time.Duration) { waits++ })
	o.must(err)
	if got, want := asJSON(t, done), `{"from":"`+o.MasterKeys.Sealer.MasterID()+`","to":"`+next.ID()+`","data_key":2,"resealed":{"issuers":1},"remaining":0}`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if waits != 0 {
		t.Error("it waited, and no server serves")
	}
	sealer, err := o.openSealer(next)
	o.must(err)
	kept, err := o.store.Issuer(t.Context(), idp)
	o.must(err)
	if plain, err := sealer.Open(kept.SealedSecret, "issuers/"+idp); err != nil || string(plain) != secret {
		t.Errorf("opened %q, %v", plain, err)
	}
	o.MasterKeys.Sealer = sealer
	finished, err := o.MasterKeys.Finish(t.Context(), by)
	o.must(err)
	old, err := sealing.MasterFrom([32]byte{1})
	o.must(err)
	if diff := cmp.Diff(admin.FinishedReseal{Master: next.ID(), Over: []string{old.ID()}}, finished); diff != "" {
		t.Errorf("finished (-want +got): %s", diff)
	}
	if _, err := o.openSealer(old); err == nil || !strings.Contains(err.Error(), old.ID()) || !strings.Contains(err.Error(), next.ID()) {
		t.Errorf("error = %v, want one that names both master keys", err)
	}
	if finished, err = o.MasterKeys.Finish(t.Context(), by); err != nil || asJSON(t, finished) != `{"master":"`+next.ID()+`","over":[]}` {
		t.Errorf("finished twice: %s, %v", asJSON(t, finished), err)
	}
	if _, err := o.MasterKeys.Reseal(t.Context(), by, to, nil); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("error = %v, want one that says that it is so", err)
	}
	if _, err := o.MasterKeys.Reseal(t.Context(), by, admin.MasterKey{URL: "nowhere://"}, nil); err == nil || !strings.Contains(err.Error(), "another key was asked for") {
		t.Errorf("error = %v, want what is wrong with the master key", err)
	}
}

func TestAResealWaitsForServers(t *testing.T) {
	o := newOffice(t)
	o.minter() // the server runs
	next, err := sealing.MasterFrom([32]byte{2})
	o.must(err)
	o.MasterKeys.Open = func(context.Context, admin.MasterKey) (sealing.Keeper, string, error) {
		return next.Keeper(), next.ID(), nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	var waited []time.Duration
	_, err = o.MasterKeys.Reseal(ctx, by, admin.MasterKey{}, func(d time.Duration) { waited = append(waited, d); cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want that it was interrupted", err)
	}
	if diff := cmp.Diff([]time.Duration{30 * time.Second}, waited); diff != "" {
		t.Errorf("waited (-want +got): %s", diff)
	}
	// Nothing was resealed, so the reseal cannot be finished.
	sealer, err := o.openSealer(next)
	o.must(err)
	o.MasterKeys.Sealer = sealer
	if _, err := o.MasterKeys.Finish(t.Context(), by); err == nil || !strings.Contains(err.Error(), "rows that are sealed under an older data key still: 1") {
		t.Errorf("error = %v, want one that says how many rows are left", err)
	}
	o.must(o.Keys.Signing.Stop(t.Context()))
	if done, err := o.MasterKeys.Reseal(t.Context(), by, admin.MasterKey{}, func(time.Duration) { t.Error("it waited, and no server serves any more") }); err == nil {
		t.Errorf("from the new master key to the new master key: %+v", done)
	}
}

func TestAResourceWantsAnAlgorithmThatSigns(t *testing.T) {
	o := newOffice(t)
	o.minter()
	warned := func(id string, want string) {
		t.Helper()
		_, warnings, err := o.Resources.Create(t.Context(), by, admin.NewResource{ID: id, ResourceInput: admin.ResourceInput{SigningAlg: ptr(keys.EdDSA)}})
		o.must(err)
		if text := said(warnings); (text == "") != (want == "") || !strings.Contains(text, want) {
			t.Errorf("warned of %q, want %q", text, want)
		}
	}
	o.resource()
	update := func() error {
		_, _, err := o.Resources.Update(t.Context(), by, api, admin.ResourceInput{SigningAlg: ptr(keys.EdDSA)})
		return err
	}
	wantFault(t, update(), "signing_alg", admin.CodeConflict, "EdDSA has no key yet: make one first with key rotate")
	warned(api+"/1", "there is no EdDSA key yet")
	o.must(o.Keys.Signing.Tick(t.Context())) // a server makes the key
	at := o.now().Add(o.Keys.Signing.Timeline.Lead())
	warned(api+"/2", "the first EdDSA key signs from "+at.Format(time.RFC3339)+" on")
	wantFault(t, update(), "signing_alg", admin.CodeConflict, "EdDSA can be used from "+at.Format(time.RFC3339)+" on")
	_, err := o.Keys.Rotate(t.Context(), by, []string{"HS256"}, true)
	wantFault(t, err, "algorithms[0]", admin.CodeUnsupported, `"HS256" is not known: choose from RS256, ES256`)
	_, err = o.Keys.Unseen(t.Context(), by, []string{"HS256"})
	wantFault(t, err, "algorithms[0]", admin.CodeUnsupported)
	o.clock = at
	o.must(update())
	warned(api+"/3", "")
	if unseen, err := o.Keys.Unseen(t.Context(), by, []string{keys.EdDSA, keys.EdDSA}); err != nil || len(unseen) != 1 {
		t.Errorf("unseen %+v, %v", unseen, err)
	}
	if events, err := o.Keys.Rotate(t.Context(), by, []string{keys.EdDSA}, true); err != nil || len(events) != 4 || !events[1].At.Equal(at) {
		t.Errorf("events %+v, %v", events, err)
	}
	_, err = o.Keys.Revoke(t.Context(), by, "unknown", "")
	wantFault(t, err, "reason", admin.CodeRequired)
	_, err = o.Keys.Revoke(t.Context(), by, "unknown", "a\nb")
	wantFault(t, err, "reason", admin.CodeInvalid)
	if _, err := o.Keys.Revoke(t.Context(), by, "unknown", "it leaked"); !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), `key "unknown" not found`) {
		t.Errorf("error = %v, want one that names the key", err)
	}
}
