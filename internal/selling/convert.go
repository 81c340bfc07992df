package selling

import (
	"context"
	"fmt"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/member"
	"onebook/internal/order"
	"onebook/internal/sale"
	"onebook/internal/store"
)

// Converted is what became of an accepted estimate.
type Converted struct {
	OrderID    string
	InvoiceIDs []string // the first is the one that a person looks at next
}

// Convert makes the order of an accepted estimate, and the drafts of its invoices: one over the whole with the same lines and
// totals, or one for the deposit and each milestone of the schedule. Repeated, it answers the same ids; repeated with
// another schedule it is refused with the code converted, since what was agreed stays. Whoever may write estimates may
// propose drafts; issuing them is another right. fault.Unready unless the client has accepted.
func (s *Service) Convert(ctx context.Context, by activity.By, estimateID string, schedule order.Schedule) (Converted, error) {
	if err := member.May(by, member.EstimateConvert); err != nil {
		return Converted{}, err
	}
	parts := schedule.Deposit != nil || len(schedule.Milestones) > 0
	e, err := s.change(ctx, by, estimateID, func(ctx context.Context, e *estimate.Estimate) (*activity.Deed, error) {
		if e.OrderID != "" {
			if !parts {
				return nil, nil
			}
			o, err := order.Get(ctx, s.Table, e.OrderID)
			if err == nil && !o.Agreed(schedule) {
				err = fault.Unready.Errorf("this estimate became an order already, with another deposit or other milestones; bill the order").
					Coded("converted").With("orderId", e.OrderID)
			}
			return nil, err
		}
		if e.State != estimate.Accepted {
			return nil, fault.Unready.Errorf("only an accepted estimate becomes an order; this one is %s", e.State)
		}
		ord := order.Order{
			ID: s.IDs.Of("or", e.ContactID), ContactID: e.ContactID, State: order.Open, EstimateID: e.ID, DealID: e.DealID, Title: e.Number, Body: e.Body.Chosen(),
			MadeBy: by.Kind + ":" + by.ID, CreatedAt: s.Now().UTC(),
		}
		if err := ord.Agree(schedule); err != nil {
			return nil, err
		}
		drafts, err := s.drafts(ctx, &ord)
		if err != nil {
			return nil, err
		}
		op, err := ord.Put()
		if err != nil {
			return nil, err
		}
		ops := []store.Op{op}
		for _, i := range drafts {
			op, err := i.Put()
			if err != nil {
				return nil, err
			}
			ops = append(ops, op)
		}
		e.OrderID, e.InvoiceIDs = ord.ID, ord.Invoices
		text := "Made an order and a draft invoice from estimate " + e.Number
		if n := len(drafts); n > 1 {
			text = fmt.Sprintf("Made an order and %d draft invoices from estimate %s", n, e.Number)
		}
		return &activity.Deed{
			Kind: "estimate.converted", Text: text, Refs: map[string]string{"order": ord.ID, "invoice": ord.Invoices[0]}, Ops: ops,
		}, nil
	})
	if err != nil {
		return Converted{}, err
	}
	return Converted{OrderID: e.OrderID, InvoiceIDs: e.InvoiceIDs}, nil
}

// drafts makes the invoices of an order's schedule and notes them on it: the whole where there is none.
func (s *Service) drafts(ctx context.Context, o *order.Order) ([]invoice.Invoice, error) {
	var out []invoice.Invoice
	add := func(share invoice.Share, body sale.Body, due civil.Date) string {
		i := invoice.Invoice{
			ID: s.IDs.Of("in", o.ContactID), ContactID: o.ContactID, State: invoice.Draft, EstimateID: o.EstimateID, DealID: o.DealID, OrderID: o.ID, Share: share,
			Body: body, DueOn: due, CreatedAt: o.CreatedAt, UpdatedAt: o.CreatedAt,
		}
		o.Invoices = append(o.Invoices, i.ID)
		out = append(out, i)
		return i.ID
	}
	if o.Deposit == 0 && len(o.Milestones) == 0 {
		add("", o.Body, civil.Date{})
		return out, nil
	}
	set, err := s.Org.Get(ctx)
	if err != nil {
		return nil, err
	}
	c, err := s.Clients.Client(ctx, o.ContactID)
	if err != nil {
		return nil, err
	}
	var billed []sale.Body
	if o.Deposit != 0 {
		body, err := o.Advance(o.DepositName(sale.Freeze(set, c).Locale), o.Deposit)
		if err != nil {
			return nil, err
		}
		add(invoice.Deposit, body, civil.Date{})
		billed = append(billed, body)
	}
	for n := range o.Milestones {
		m := &o.Milestones[n]
		body, err := o.Advance(m.Name, m.Amount, billed...)
		if err != nil {
			return nil, err
		}
		m.InvoiceID = add(invoice.Milestone, body, m.DueOn)
		billed = append(billed, body)
	}
	return out, nil
}
