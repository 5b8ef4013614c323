package main

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"authserver/internal/admin"
	"authserver/internal/keys/sealing"
)

type keyCommand struct {
	List             keyList             `cmd:"" help:"List the signing keys and the next event of each." example:"authserver key list"`
	Rotate           keyRotate           `cmd:"" help:"Let the next key sign as soon as every verifier can know it. Running servers follow." example:"authserver key rotate --alg RS256"`
	Revoke           keyRevoke           `cmd:"" help:"In an emergency, take a key out of use at once. Its tokens are void." example:"authserver key revoke --reason 'found in a backup' -- KID"`
	Plan             keyPlan             `cmd:"" help:"Show the planned events of the signing keys." example:"authserver key plan"`
	Export           keyExport           `cmd:"" help:"Print the public half of a key, for a verifier that reads a file." example:"authserver key export -- KID"`
	Import           keyImport           `cmd:"" help:"Import a signing key. It is published at once and signs next." example:"authserver key import --file key.pem --certificate-file cert.pem"`
	Certify          keyCertify          `cmd:"" help:"Attach certificates to a signing key, instead of those that it has." example:"authserver key certify --certificate-file cert.pem -- KID"`
	RefreshTokenKeys keyRefreshTokenKeys `cmd:"" help:"List the keys that authenticate refresh tokens, or rotate them." example:"authserver key refresh-token-keys"`
	Reseal           keyReseal           `cmd:"" help:"Seal everything under another master key, while servers run." example:"authserver key reseal --to-master-key-file new.key"`
	GenerateMaster   keyGenerateMaster   `cmd:"" help:"Print a new master key. Keep it safe: nothing else opens what it seals." example:"authserver key generate-master > master.key"`
}

type keyList struct {
	Database
	Output
}

func (c *keyList) Run(p *process) error {
	return with(p, &c.Database, func(a *admin.Admin) error {
		listed, err := a.Keys.List(p.ctx, p.by)
		if err != nil {
			return err
		}
		if c.Output.Output == "json" {
			return printList(c.Output, p.stdout, listed)
		}
		now := a.Keys.Now()
		rows := make([]keyRow, 0, len(listed))
		for _, k := range listed {
			row := keyRow{State: string(k.State), Alg: k.Alg, KID: k.KID}
			if k.NextEvent != nil {
				row.Next = fmt.Sprintf("%s in %s, %s", keyEventVerb(*k.NextEvent), span(k.NextAt.Sub(now)), k.NextAt.Format(time.RFC3339))
			}
			if k.LastUsedAt != nil {
				row.LastSigned = fmt.Sprintf("%s ago, %s", span(now.Sub(*k.LastUsedAt)), k.LastUsedAt.Format(time.RFC3339))
			}
			rows = append(rows, row)
		}
		return printList(c.Output, p.stdout, rows, "state", "alg", "kid", "next", "last_signed")
	})
}

// keyRow is a signing key in a table for people.
type keyRow struct {
	State      string `json:"state"`
	Alg        string `field:"algorithms" json:"alg"`
	KID        string `json:"kid"`
	Next       string `json:"next"`
	LastSigned string `json:"last_signed"`
}

// keyEventVerb says an event of a key's life.
func keyEventVerb(event string) string {
	switch event {
	case "activate":
		return "signs"
	case "remove":
		return "is removed"
	case "publish": // by a clock that is ahead of ours
		return "is published"
	}
	return event + "s"
}

type keyRotate struct {
	SigningKeySettings
	Output
	Consent
	Alg []string `field:"algorithms" sep:"none" help:"Algorithm to rotate. The default is all. Repeats."`
	Now bool     `help:"Let the next key sign at once, even if some verifiers do not know it yet."`
}

func (c *keyRotate) Run(p *process) error {
	if slices.Contains(c.Alg, "") { // none would be all
		return usage("--alg: it must not be empty: give it a value, or leave it out")
	}
	return with(p, &c.SigningKeySettings, func(a *admin.Admin) error {
		if c.Now {
			if err := c.warn(p, a); err != nil {
				return err
			}
		}
		events, err := a.Keys.Rotate(p.ctx, p.by, list(c.Alg), c.Now)
		if err != nil {
			return err
		}
		return afterwards(printList(c.Output, p.stdout, events, "at", "kid", "alg", "event"))
	})
}

// warn says what a rotation now breaks, and asks.
func (c *keyRotate) warn(p *process, a *admin.Admin) error {
	unseen, err := a.Keys.Unseen(p.ctx, p.by, list(c.Alg))
	if err != nil || len(unseen) == 0 {
		return err
	}
	var what strings.Builder
	now := a.Keys.Now()
	for _, u := range unseen {
		key := "a new key"
		if u.KID != "" {
			key = "key " + u.KID
		}
		fmt.Fprintf(&what, "%s: verifiers that keep a key set without %s refuse its tokens until they fetch the set again, at the latest at %s, in %s.\n",
			u.Alg, key, u.SeenByAll.Format(time.RFC3339), span(u.SeenByAll.Sub(now)))
	}
	if c.Yes {
		fmt.Fprint(p.stderr, what.String())
	}
	return c.ask(p, what.String()+"Without --now nothing is refused.")
}

type keyRevoke struct {
	SigningKeySettings
	Output
	Consent
	KID    string `arg:"" name:"kid" help:"The kid. Write -- before one that begins with a hyphen."`
	Reason string `required:"" help:"The reason, which token inspect shows."`
}

func (c *keyRevoke) Run(p *process) error {
	return with(p, &c.SigningKeySettings, func(a *admin.Admin) error {
		listed, err := a.Keys.List(p.ctx, p.by)
		if err != nil {
			return err
		}
		for _, k := range listed {
			if k.KID != c.KID {
				continue
			}
			if err := c.ask(p, "Every token that key "+c.KID+" signed is void at once. Verifiers that cache the key set accept them until it expires."); err != nil {
				return err
			}
		}
		revoked, err := a.Keys.Revoke(p.ctx, p.by, c.KID, c.Reason)
		if err != nil {
			return err
		}
		return c.done(p, revoked)
	})
}

type keyPlan struct {
	KeyPlanSettings
	Output
}

func (c *keyPlan) Run(p *process) error {
	return with(p, &c.KeyPlanSettings, func(a *admin.Admin) error {
		events, err := a.Keys.Planned(p.ctx, p.by)
		if err != nil {
			return err
		}
		return printList(c.Output, p.stdout, events, "at", "kid", "alg", "event")
	})
}

type keyExport struct {
	OpenedKeySettings
	KID    string `arg:"" name:"kid" help:"The kid. Write -- before one that begins with a hyphen."`
	Format string `enum:"pem,jwk" default:"pem" placeholder:"pem|jwk" help:"Format: pem (SubjectPublicKeyInfo), or jwk as in the JWKS."`
}

func (c *keyExport) Run(p *process) error {
	return with(p, &c.OpenedKeySettings, func(a *admin.Admin) error {
		exported, err := a.Keys.Export(p.ctx, p.by, c.KID)
		if err != nil {
			return err
		}
		text := append(slices.Clone(exported.JWK), '\n')
		if c.Format == "pem" {
			if text, err = exported.PEM(); err != nil {
				return err
			}
		}
		_, err = p.stdout.Write(text)
		return err
	})
}

type keyGenerateMaster struct{}

func (*keyGenerateMaster) Run(p *process) error {
	key, err := sealing.NewMasterKey(rand.Reader)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, key)
	return unprinted(secretUnprinted, err)
}
