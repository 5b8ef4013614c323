package main

import (
	"fmt"
	"slices"
	"strings"

	"authserver/internal/admin"
)

type tokenCommand struct {
	Inspect tokenInspect `cmd:"" help:"Decode a token, verify it, and say why it is good or bad. The exit code is 0 if it is good and 1 if not." example:"authserver token inspect - < token.txt"`
}

type tokenInspect struct {
	TokenSettings
	Output
	Explain bool   `help:"Make every check of an assertion and say what to change."`
	Token   string `arg:"" help:"An access token, a refresh token or an assertion; - is standard input."`
}

func (c *tokenInspect) Run(p *process) error {
	token := c.Token
	if token == "-" {
		data, err := p.read("TOKEN", "-")
		if err != nil {
			return err
		}
		token = string(data)
	}
	return with(p, &c.TokenSettings, func(a *admin.Admin) error {
		inspection, err := a.Tokens.Inspect(p.ctx, p.by, strings.TrimSpace(token), c.Explain)
		if err != nil {
			return err
		}
		view, err := p.inspected(inspection)
		if err != nil {
			return err
		}
		if err := c.print(p.stdout, view); err != nil {
			return err
		}
		if !inspection.Good {
			return errQuiet
		}
		return nil
	})
}

// print shows an inspection. A table of it has the family as `family show` has it, and a line for each
// check.
func (c *tokenInspect) print(w *printer, view inspection) error {
	if c.Output.Output == "json" {
		return printJSON(w, view)
	}
	family, checks := view.Family, view.Checks
	view.Family, view.Checks = nil, nil
	if err := c.show(w, view); err != nil {
		return err
	}
	if family != nil {
		fmt.Fprintln(w, "\nfamily")
		if err := c.show(w, *family); err != nil {
			return err
		}
	}
	if len(checks) > 0 {
		fmt.Fprintln(w, "\nchecks")
	}
	longest := 0
	for _, made := range checks {
		longest = max(longest, len(made.Check))
	}
	for _, made := range checks {
		result := "passed"
		if !made.Passed {
			result = w.bold("FAILED")
		}
		said := strings.Join(slices.DeleteFunc([]string{made.Found, made.Change}, func(s string) bool { return s == "" }), "; ")
		if _, err := fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%s  %-*s  %s", result, longest, made.Check, said), " ")); err != nil {
			return err
		}
	}
	return nil
}

// inspection is an inspection in the words of the command line.
type inspection struct {
	Kind    string         `json:"kind"`
	Good    bool           `json:"good"`
	Reasons []string       `json:"reasons"`
	Key     string         `json:"key,omitempty"`
	Header  map[string]any `json:"header,omitempty"`
	Claims  map[string]any `json:"claims,omitempty"`
	Family  *admin.Family  `json:"family,omitempty"`
	Checks  []check        `json:"checks,omitempty"`
}

// check is one of an assertion.
type check struct {
	Check  string `json:"check"`
	Passed bool   `json:"passed"`
	Found  string `json:"found,omitempty"`  // what is wrong
	Change string `json:"change,omitempty"` // what to change, where and how
}

func (p *process) inspected(i admin.Inspection) (inspection, error) {
	view := inspection{Kind: i.Kind, Good: i.Good, Reasons: []string{}, Key: i.Key, Header: i.Header, Claims: i.Claims, Family: i.Family}
	names, err := p.names()
	if err != nil {
		return view, err
	}
	for _, r := range i.Reasons {
		view.Reasons = append(view.Reasons, r.Text.In(names))
	}
	for _, c := range i.Checks {
		view.Checks = append(view.Checks, check{Check: string(c.Code), Passed: c.OK, Found: c.Text.In(names), Change: c.Change.In(names)})
	}
	return view, nil
}
