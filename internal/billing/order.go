package billing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/invoice"
	"onebook/internal/member"
	"onebook/internal/order"
	"onebook/internal/sale"
	"onebook/internal/store"
)

// OrderInput says what of an order is to be billed: a milestone by its name, a percent or an amount as a deposit, or with
// Final all that remains.
type OrderInput struct {
	Milestone string
	order.Portion
	Final    bool
	LeaveOut []string // unpaid advances that stay to be paid by themselves beside the final invoice
	KeepTax  bool     // the final invoice keeps the tax that was agreed, although today's is another
	DueOn    civil.Date
}

func (in OrderInput) check() error {
	var f fault.Fields
	ways := 0
	for _, given := range []bool{in.Milestone != "", in.Percent.Given(), in.Amount != 0, in.Final} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		f.Add("final", "required", "say what to bill: milestone, percent, amount, or final")
	}
	if !in.Final && len(in.LeaveOut) > 0 {
		f.Add("leaveOut", "out_of_place", "advances are left out of a final invoice only")
	}
	if !in.Final && in.KeepTax {
		f.Add("keepTax", "out_of_place", "an advance always has the tax that was agreed; this is for a final invoice")
	}
	return f.Err()
}

// BillOrder drafts an invoice over a share of an order, or over all that remains. A milestone and the final invoice are
// drafted once: asked for again, the same invoice is answered. fault.Unready, naming them, when a final invoice meets drafts
// of the order or advances that are not paid.
func (s *Service) BillOrder(ctx context.Context, by activity.By, orderID string, in OrderInput) (invoice.Invoice, error) {
	if err := member.May(by, member.InvoicePropose); err != nil {
		return invoice.Invoice{}, err
	}
	if err := in.check(); err != nil {
		return invoice.Invoice{}, err
	}
	var made string
	err := s.changeOrder(ctx, by, orderID, func(ctx context.Context, o *order.Order) (*activity.Deed, error) {
		known, err := s.billedBefore(*o, in)
		if made = known; known != "" || err != nil {
			return nil, err
		}
		now := s.Now().UTC()
		i := invoice.Invoice{
			ID: s.IDs.Of("in", o.ContactID), ContactID: o.ContactID, State: invoice.Draft, EstimateID: o.EstimateID, DealID: o.DealID, OrderID: o.ID,
			DueOn: in.DueOn, CreatedAt: now, UpdatedAt: now,
		}
		if err := s.fill(ctx, o, &i, in); err != nil {
			return nil, err
		}
		o.Invoices = append(o.Invoices, i.ID)
		op, err := i.Put()
		if err != nil {
			return nil, err
		}
		made = i.ID
		return &activity.Deed{
			Kind: "invoice.drafted", Subject: i.ID, Refs: map[string]string{"order": o.ID}, Ops: []store.Op{op},
			Text: fmt.Sprintf("Drafted an invoice over %s of order %s", amount(i), o.Title),
		}, nil
	})
	if err != nil {
		return invoice.Invoice{}, err
	}
	return invoice.Get(ctx, s.Table, made)
}

// billedBefore answers the invoice that bills just this already, and refuses what cannot be billed any more.
func (s *Service) billedBefore(o order.Order, in OrderInput) (string, error) {
	if in.Final && o.FinalID != "" {
		return o.FinalID, nil
	}
	if in.Milestone != "" {
		n := slices.IndexFunc(o.Milestones, func(m order.Milestone) bool { return m.Name == strings.TrimSpace(in.Milestone) })
		if n < 0 {
			return "", fault.InField("milestone", "not_found", "the order has no milestone of this name")
		}
		if known := o.Milestones[n].InvoiceID; known != "" {
			return known, nil
		}
	}
	switch {
	case o.State == order.Canceled:
		return "", fault.Unready.Errorf("this order was canceled; nothing more of it is billed").Coded("canceled")
	case o.FinalID != "":
		return "", fault.Unready.Errorf("the final invoice of this order is there already; throw its draft away or void it first").Coded("final")
	case len(o.Invoices) >= order.MaxInvoices:
		return "", fault.Unready.Errorf("an order has at most %d invoices", order.MaxInvoices)
	}
	return "", nil
}

// fill makes the content of the invoice and notes on the order what it bills.
func (s *Service) fill(ctx context.Context, o *order.Order, i *invoice.Invoice, in OrderInput) error {
	set, today, err := s.today(ctx)
	if err != nil {
		return err
	}
	if in.DueOn.After(today.AddDays(sale.MaxAhead)) {
		return fault.InField("dueOn", "invalid", "dueOn lies more than ten years ahead")
	}
	c, err := s.Clients.Client(ctx, o.ContactID)
	if err != nil {
		return err
	}
	locale := sale.Freeze(set, c).Locale
	others, err := s.billing(ctx, *o)
	if err != nil {
		return err
	}
	if in.Final {
		i.Share, o.FinalID = invoice.Final, i.ID
		i.Body, err = s.final(ctx, *o, others, in, locale, today)
		return err
	}
	name, sum := o.DepositName(locale), int64(0)
	i.Share = invoice.Deposit
	if in.Milestone != "" {
		i.Share = invoice.Milestone
		for n := range o.Milestones {
			if m := &o.Milestones[n]; m.Name == strings.TrimSpace(in.Milestone) {
				name, sum, m.InvoiceID = m.Name, m.Amount, i.ID
				if i.DueOn.IsZero() {
					i.DueOn = m.DueOn
				}
			}
		}
	} else if sum, err = portion(*o, in.Portion, bodies(others)); err != nil {
		return err
	}
	i.Body, err = o.Advance(name, sum, bodies(others)...)
	return err
}

// portion answers the amount that is asked for. Percents that sum to a hundred are all that remains, however each was rounded.
func portion(o order.Order, p order.Portion, others []sale.Body) (int64, error) {
	sum, err := p.Of(o.Total())
	if err != nil || !p.Percent.Given() {
		return sum, err
	}
	left, err := o.Left(others...)
	if sum == left+1 {
		sum = left
	}
	return sum, err
}

// billing answers the invoices that bill the order: its drafts, and those issued and not voided.
func (s *Service) billing(ctx context.Context, o order.Order) ([]invoice.Invoice, error) {
	var out []invoice.Invoice
	for _, x := range o.Invoices {
		i, err := invoice.Get(ctx, s.Table, x)
		switch {
		case errors.Is(err, fault.NotFound):
		case err != nil:
			return nil, err
		case i.State != invoice.Void:
			out = append(out, i)
		}
	}
	return out, nil
}

func bodies(is []invoice.Invoice) []sale.Body {
	out := make([]sale.Body, len(is))
	for n, i := range is {
		out[n] = i.Body
	}
	return out
}

// final makes the content of the final invoice.
func (s *Service) final(ctx context.Context, o order.Order, others []invoice.Invoice, in OrderInput, locale string, today civil.Date) (sale.Body, error) {
	if err := finished(others, in.LeaveOut); err != nil {
		return sale.Body{}, err
	}
	line, err := s.Maker.Retaxed(ctx, o.Body, today)
	switch {
	case err != nil:
		return sale.Body{}, err
	case in.KeepTax:
		o.Body.Lines = slices.Clone(o.Body.Lines)
		for n := range o.Body.Lines {
			o.Body.Lines[n].TaxClass = "" // what a person decided is not asked for again
		}
	case line != "":
		return sale.Body{}, fault.Unready.Errorf("the tax of %q is another by now than was agreed; bill it with keepTax as it was agreed, "+
			"or cancel the rest and bill it anew", line).Coded("tax_changed")
	}
	off := make([]order.Issued, len(others))
	for n, i := range others {
		off[n] = order.Issued{ID: i.ID, Number: i.Number, On: i.IssuedOn, Apart: slices.Contains(in.LeaveOut, i.ID), Body: i.Body}
	}
	body, err := o.Final(locale, off)
	if err == nil && body.Totals.Total <= 0 && o.Total() > 0 {
		return sale.Body{}, order.ErrNothing
	}
	return body, err
}

// finished refuses a final invoice while parts of its order are open, except for those that are left out by choice.
func finished(others []invoice.Invoice, leaveOut []string) error {
	var drafts, unpaid, ids, open []string
	for _, i := range others {
		switch {
		case i.State == invoice.Draft:
			drafts = append(drafts, i.ID)
		case i.State != invoice.Paid:
			open = append(open, i.ID)
			if !slices.Contains(leaveOut, i.ID) {
				unpaid, ids = append(unpaid, i.Number), append(ids, i.ID)
			}
		}
	}
	for n, x := range leaveOut {
		if !slices.Contains(open, x) && len(drafts) == 0 {
			return fault.InField(fmt.Sprintf("leaveOut[%d]", n), "invalid", "this is no unpaid invoice of the order")
		}
	}
	if len(drafts) > 0 {
		return fault.Unready.Errorf("drafts bill parts of this order; issue them or throw them away first").
			Coded("drafts").With("invoiceIds", drafts)
	}
	if len(unpaid) > 0 {
		return fault.Unready.Errorf("not paid yet: %s; wait for the money, void it, or leave it out to be paid by itself", strings.Join(unpaid, ", ")).
			Coded("advance_unpaid").With("invoiceIds", ids)
	}
	return nil
}

// CancelOrder ends an order: what is issued stays, its drafts are thrown away, and the rest is never billed. Again, it
// changes nothing. fault.Unready when nothing remains.
func (s *Service) CancelOrder(ctx context.Context, by activity.By, orderID, reason string) (order.Order, error) {
	if err := member.May(by, member.EstimateWrite); err != nil {
		return order.Order{}, err
	}
	reason, err := explained(reason)
	if err != nil {
		return order.Order{}, err
	}
	err = s.changeOrder(ctx, by, orderID, func(ctx context.Context, o *order.Order) (*activity.Deed, error) {
		switch o.State {
		case order.Canceled:
			return nil, nil
		case order.Billed:
			return nil, fault.Unready.Errorf("nothing of this order remains to be canceled; void or credit its invoices").Coded("billed")
		}
		is, err := s.billing(ctx, *o)
		if err != nil {
			return nil, err
		}
		_, today, err := s.today(ctx)
		if err != nil {
			return nil, err
		}
		left := o.Remaining()
		d := &activity.Deed{
			Kind: "order.canceled", Subject: o.ID, Reason: reason, On: today.String(),
			Text:     fmt.Sprintf("Canceled the rest of order %s, %s", o.Title, minor(left, o.Body.Currency)),
			Postings: turned(o, o.Cancel(reason)),
		}
		for _, i := range is {
			if i.State != invoice.Draft {
				continue
			}
			ops, err := s.thrown(ctx, i)
			if err != nil {
				return nil, err
			}
			o.Drop(i.ID)
			o.Invoices = without(o.Invoices, i.ID)
			d.Ops = append(d.Ops, ops...)
		}
		to := estimate.Canceled
		if o.Billed != 0 {
			to = estimate.Invoiced
		}
		ops, err := s.closeEstimate(ctx, *o, to)
		d.Ops = append(d.Ops, ops...)
		return d, err
	})
	if err != nil {
		return order.Order{}, err
	}
	return order.Get(ctx, s.Table, orderID)
}

// changeOrder reads an order, lets edit decide, and writes it with its entry, as change does.
func (s *Service) changeOrder(ctx context.Context, by activity.By, orderID string, edit func(ctx context.Context, o *order.Order) (*activity.Deed, error)) error {
	contact, err := id.Contact("or", orderID)
	if err != nil {
		return err
	}
	_, err = s.Records.Do(ctx, by, activity.ContactChain(contact), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		o, err := order.Get(ctx, s.Table, orderID)
		if err != nil {
			return nil, err
		}
		d, err := edit(ctx, &o)
		if err != nil || d == nil {
			return nil, err
		}
		op, err := o.Put()
		if err != nil {
			return nil, err
		}
		d.Ops = append([]store.Op{op}, d.Ops...)
		return d, nil
	})
	return err
}
