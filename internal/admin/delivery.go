package admin

import (
	"context"
	"fmt"
	"time"

	"authserver/internal/events"
	"authserver/internal/store"
)

// The states of a delivery.
const (
	DeliveryPending     = "pending"
	DeliveryDelivered   = "delivered"
	DeliveryUndelivered = "undelivered" // the server gave up
)

// Delivery is a logout token for a client, because a session ended.
type Delivery struct {
	ID        string     `json:"id"`
	State     string     `json:"state"`
	ClientID  string     `json:"client_id"`
	Subject   string     `json:"sub"`     // the user
	Session   string     `json:"session"` // hex
	CreatedAt time.Time  `json:"created_at"`
	Attempts  int        `json:"attempts"`
	DueAt     *time.Time `json:"due_at"`   // of the next attempt; null: there is none
	EndedAt   *time.Time `json:"ended_at"` // null: it is pending
	Fault     string     `json:"fault"`    // why the last attempt failed
}

// Deliveries shows the outbox of logout tokens.
type Deliveries struct {
	Store interface {
		ListDeliveries(ctx context.Context, p store.DeliveryPage) ([]store.Delivery, error)
	}
}

// List lists deliveries in the order in which their sessions ended. Page.Search is of no use
// here.
func (ds *Deliveries) List(ctx context.Context, _ Call, page Page) ([]Delivery, error) {
	if page.After != "" && !events.IsID(page.After) {
		return nil, Faults{newFault("after", CodeInvalid, "it has to be the id of a delivery")}
	}
	rows, err := ds.Store.ListDeliveries(ctx, store.DeliveryPage{After: page.After, Limit: page.Limit})
	if err != nil {
		return nil, fmt.Errorf("list the deliveries: %w", err)
	}
	views := make([]Delivery, 0, len(rows))
	for _, d := range rows {
		view := Delivery{
			ID: d.ID, State: DeliveryPending, ClientID: d.ClientID, Subject: d.UserID, Session: d.SessionID.String(),
			CreatedAt: d.CreatedAt, Attempts: d.Attempts, DueAt: moment(d.DueAt), EndedAt: moment(d.EndedAt), Fault: d.Fault,
		}
		switch {
		case d.Delivered:
			view.State, view.DueAt = DeliveryDelivered, nil
		case !d.EndedAt.IsZero():
			view.State, view.DueAt = DeliveryUndelivered, nil
		}
		views = append(views, view)
	}
	return views, nil
}
