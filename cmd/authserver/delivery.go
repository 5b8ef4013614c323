package main

import "authserver/internal/admin"

type deliveryCommand struct {
	List deliveryList `cmd:"" help:"List the logout tokens that are pending, and those that were delivered or failed for good in the last day." example:"authserver delivery list"`
}

type deliveryList struct {
	Database
	Output
	Limit int    `help:"At most this many entries."`
	After string `empty:"" placeholder:"DELIVERY" help:"Only those after this one, in the order of the list."`
}

func (c *deliveryList) Run(p *process) error {
	return with(p, &c.Database, func(a *admin.Admin) error {
		deliveries, err := rows(Listing{Limit: c.Limit, After: c.After},
			func(page admin.Page) ([]admin.Delivery, error) { return a.Deliveries.List(p.ctx, p.by, page) },
			func(v admin.Delivery) string { return v.ID })
		if err != nil {
			return err
		}
		return printList(c.Output, p.stdout, deliveries, "id", "state", "client_id", "session", "created_at", "attempts", "due_at", "ended_at", "fault")
	})
}
