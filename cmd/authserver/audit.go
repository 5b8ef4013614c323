package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"authserver/internal/admin"
	"authserver/internal/config"
)

type auditCommand struct {
	List auditList `cmd:"" help:"List the events of the audit, the oldest first." example:"authserver audit list --user alice --since 1h"`
}

type auditList struct {
	Database
	Output
	User    string `placeholder:"USER" help:"Only events about this user: an id or a name."`
	Client  string `placeholder:"ID" help:"Only events about this client."`
	Family  string `placeholder:"ID" help:"Only events about this family of refresh tokens."`
	Request string `field:"request_id" placeholder:"ID" help:"Only events of the HTTP request with this X-Request-Id."`
	Actor   string `placeholder:"ACTOR" help:"Only events by this actor: an id, a type (operator, server, client, user), or TYPE:ID."`
	Type    string `placeholder:"TYPE" help:"Only events of this type, such as client.updated, or client for every event about clients."`
	Since   string `placeholder:"TIME" help:"Only events since this time, such as 2026-01-31T10:00:00Z, or since so long ago, such as 1h or 7d."`
	After   string `empty:"" placeholder:"ID" help:"Only events after the one with this id."`
	Limit   int    `default:"100" help:"Maximum number of events to list, 1 to 1000: the oldest with --since or --after, otherwise the newest."`
	Follow  bool   `help:"Continue and print new events until the command is interrupted. With -o json, one object on each line."`
}

func (c *auditList) Run(p *process) error {
	since, err := sinceOf(c.Since, time.Now())
	if err != nil {
		return err
	}
	query := admin.EventQuery{
		User: c.User, Client: c.Client, Family: c.Family, RequestID: c.Request, Actor: c.Actor, Type: c.Type,
		Since: since, After: c.After, Limit: c.Limit,
	}
	return with(p, &c.Database, func(a *admin.Admin) error {
		if c.Follow {
			return a.Audit.Follow(p.ctx, p.by, query, func(found []admin.Event, warnings []admin.Fault) error {
				p.warn(warnings)
				return c.follow(p.stdout, found)
			})
		}
		found, warnings, err := a.Audit.List(p.ctx, p.by, query)
		if err != nil {
			return err
		}
		p.warn(warnings)
		if c.Output.Output == "json" {
			return printJSON(p.stdout, found)
		}
		return printEvents(p.stdout, found)
	})
}

func (c *auditList) follow(w io.Writer, found []admin.Event) error {
	if c.Output.Output != "json" {
		return printEvents(w, found)
	}
	lines := json.NewEncoder(w)
	for _, e := range found {
		if err := lines.Encode(e); err != nil {
			return err
		}
	}
	return nil
}

// sinceOf reads a time, or a duration before now.
func sinceOf(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	ago, err := config.ParseDuration(text)
	if err != nil || ago < 0 {
		return time.Time{}, usage("--since %q is neither a time, such as 2026-01-31T10:00:00Z, nor a duration, such as 1h or 7d", text)
	}
	return now.Add(-ago), nil
}

// printEvents prints each event on one line: when, who, what, on what, and the change.
func printEvents(w io.Writer, found []admin.Event) error {
	for _, e := range found {
		parts := []string{e.At.UTC().Format(time.RFC3339), e.ActorType + " " + e.ActorID, e.Type, eventObject(e)}
		if what := eventChanges(e); what != "" {
			parts = append(parts, what)
		}
		if _, err := fmt.Fprintln(w, printable(strings.Join(parts, "  "))); err != nil {
			return err
		}
	}
	return nil
}

// eventObject says what an event is about.
func eventObject(e admin.Event) string {
	var about []string
	add := func(noun, id, name string) {
		switch {
		case id != "" && name != "" && name != id:
			about = append(about, noun+" "+id+" ("+name+")")
		case id != "":
			about = append(about, noun+" "+id)
		}
	}
	noun, _, _ := strings.Cut(e.Type, ".")
	named := func(yes bool) string {
		switch {
		case !yes:
			return ""
		case noun == "data_key":
			return "master key " + e.Name
		}
		return e.Name
	}
	add("user", e.UserID, named(e.UserID != ""))
	add("client", e.ClientID, named(noun == "client"))
	add("family", e.Family, "")
	add(strings.ReplaceAll(noun, "_", " "), e.ObjectID, named(e.UserID == ""))
	return strings.Join(about, ", ")
}

// saysMore reports whether a reason adds a word to the type of its event; client_deleted adds none
// to client.deleted.
func saysMore(reason, kind string) bool {
	words := func(text string) []string {
		return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	}
	told := words(kind)
	return slices.ContainsFunc(words(reason), func(word string) bool { return !slices.Contains(told, word) })
}

func eventChanges(e admin.Event) string {
	var said []string
	if saysMore(e.Reason, e.Type) {
		said = append(said, "because "+e.Reason)
	}
	if e.Generation != 0 {
		said = append(said, fmt.Sprintf("presented generation %d of %d", e.Presented, e.Generation))
	}
	for _, c := range e.Changes {
		said = append(said, c.Field+" "+changeText(c))
	}
	if e.RequestID != "" {
		said = append(said, "request "+e.RequestID)
	}
	return strings.Join(said, "; ")
}

func changeText(c admin.ChangedField) string {
	if c.Hidden {
		return "(not shown) → (not shown, replaced)"
	}
	side := func(v json.RawMessage, size int) string {
		if size > 0 {
			return fmt.Sprintf("(%d bytes)", size)
		}
		return eventValue(v)
	}
	return side(c.Before, c.BeforeBytes) + " → " + side(c.After, c.AfterBytes)
}

// eventValue is a value without the syntax of JSON: a list has blanks between its values, and an
// object its members in brackets, as in the tables of other commands.
func eventValue(v json.RawMessage) string {
	var read any
	decoder := json.NewDecoder(bytes.NewReader(v))
	decoder.UseNumber()
	if err := decoder.Decode(&read); err != nil {
		return orNothing(string(v))
	}
	return valueText(read)
}

func valueText(v any) string {
	switch x := v.(type) {
	case nil:
		return nothing
	case string:
		return orNothing(textOf(x))
	case []any:
		texts := make([]string, 0, len(x))
		for _, one := range x {
			texts = append(texts, valueText(one))
		}
		return orNothing(strings.Join(texts, " "))
	case map[string]any:
		texts := make([]string, 0, len(x))
		for _, name := range slices.Sorted(maps.Keys(x)) {
			texts = append(texts, name+"="+valueText(x[name]))
		}
		return "(" + strings.Join(texts, " ") + ")"
	}
	return fmt.Sprint(v)
}

// textOf is a text for display. Durations and times, which events have in the form of Go, get the
// form of other tables.
func textOf(text string) string {
	if d, err := time.ParseDuration(text); err == nil && d.String() == text {
		return config.FormatDuration(d)
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil && at.Format(time.RFC3339Nano) == text {
		return at.Format(time.RFC3339)
	}
	return text
}

// printable keeps a name from moving the cursor of a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '�'
	}, text)
}
