package selling

import (
	"context"

	"onebook/internal/activity"
	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/member"
	"onebook/internal/order"
	"onebook/internal/store"
)

// Converted is what became of an accepted estimate.
type Converted struct {
	OrderID    string
	InvoiceIDs []string // the first is the one that a person looks at next
}

// Convert makes the order and a draft of its invoice from an accepted estimate, with the same lines and totals. Repeated, it
// answers the same ids. Whoever may write estimates may propose the draft; issuing it is another right. fault.Unready
// unless the client has accepted.
func (s *Service) Convert(ctx context.Context, by activity.By, estimateID string) (Converted, error) {
	if err := member.May(by, member.EstimateWrite); err != nil {
		return Converted{}, err
	}
	e, err := s.change(ctx, by, estimateID, func(_ context.Context, e *estimate.Estimate) (*activity.Deed, error) {
		if e.OrderID != "" {
			return nil, nil
		}
		if e.State != estimate.Accepted {
			return nil, fault.Unready.Errorf("only an accepted estimate becomes an order; this one is %s", e.State)
		}
		now := s.Now().UTC()
		inv := invoice.Invoice{
			ID: s.IDs.Of("in", e.ContactID), ContactID: e.ContactID, State: invoice.Draft, EstimateID: e.ID, Body: e.Body,
			CreatedAt: now, UpdatedAt: now,
		}
		ord := order.Order{
			ID: s.IDs.Of("or", e.ContactID), ContactID: e.ContactID, State: order.Open, EstimateID: e.ID, Title: e.Number, Body: e.Body,
			Invoices: []string{inv.ID}, CreatedAt: now,
		}
		inv.OrderID = ord.ID
		e.OrderID, e.InvoiceIDs = ord.ID, []string{inv.ID}
		a, err := ord.Put()
		if err != nil {
			return nil, err
		}
		b, err := inv.Put()
		if err != nil {
			return nil, err
		}
		return &activity.Deed{
			Kind: "estimate.converted", Text: "Made an order and a draft invoice from estimate " + e.Number,
			Refs: map[string]string{"order": ord.ID, "invoice": inv.ID}, Ops: []store.Op{a, b},
		}, nil
	})
	if err != nil {
		return Converted{}, err
	}
	return Converted{OrderID: e.OrderID, InvoiceIDs: e.InvoiceIDs}, nil
}
