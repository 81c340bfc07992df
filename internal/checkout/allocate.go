package checkout

// One payment over several invoices (rules.md §5, Allocation):
//
//   - what was said goes first, and is held to: never more than is open, never more than the payment;
//   - where nothing was said the oldest takes first, by due date, then day of issue, then number: open invoices of the
//     contact in the payment's currency that are not disputed;
//   - what is left is the contact's credit.

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/member"
	"onebook/internal/money"
	"onebook/internal/payment"
	"onebook/internal/store"
)

// MaxAllocations is how many invoices one payment may be spread over.
const MaxAllocations = 30

// TransferInput is one payment of a contact over several invoices.
type TransferInput struct {
	ContactID   string
	Currency    string // needed only where it cannot be told from the invoices
	Allocations []payment.Allocation
	ManualInput
}

// Transfer records one payment by hand over several invoices: those that are named, else the oldest that are due. The rest
// is the contact's credit. fault.Invalid names each wrong field, also an allocation above what is open.
func (s *Service) Transfer(ctx context.Context, by activity.By, in TransferInput) (payment.Payment, error) {
	if err := member.May(by, member.PaymentRecord); err != nil {
		return payment.Payment{}, err
	}
	c, err := s.Clients.Client(ctx, in.ContactID)
	if fault.KindOf(err) == fault.NotFound {
		return payment.Payment{}, fault.InField("contactId", "not_found", "there is no such contact")
	}
	if err != nil {
		return payment.Payment{}, err
	}
	if err := in.check(); err != nil {
		return payment.Payment{}, err
	}
	return s.record(ctx, by, c.ContactID, in.ManualInput, func(ctx context.Context, h activity.Head, p *payment.Payment) ([]share, error) {
		if len(in.Allocations) > 0 {
			return s.chosen(ctx, h, p, in)
		}
		open, disputed, err := s.openOf(ctx, c.ContactID)
		if err != nil {
			return nil, err
		}
		if p.Currency, err = s.currency(ctx, in.Currency, c.Currency, open); err != nil {
			return nil, err
		}
		open = slices.DeleteFunc(open, func(i invoice.Invoice) bool { return disputed[i.ID] })
		return oldest(open, p.Amount, p.Currency), nil
	})
}

func (in TransferInput) check() error {
	var f fault.Fields
	if len(in.Allocations) > MaxAllocations {
		f.Add("allocations", "too_many", "one payment goes to at most %d invoices; record the rest as another", MaxAllocations)
	}
	if _, err := money.Exponent(in.Currency); in.Currency != "" && err != nil {
		f.Add("currency", "invalid", "%q is not an ISO 4217 currency", in.Currency)
	}
	sum, seen := int64(0), map[string]bool{}
	for n, a := range in.Allocations {
		at := fmt.Sprintf("allocations[%d]", n)
		if seen[a.InvoiceID] {
			f.Add(at+".invoiceId", "repeated", "this invoice is named twice")
		}
		seen[a.InvoiceID] = true
		total, err := money.Sum(sum, a.Amount)
		if a.Amount <= 0 || err != nil {
			f.Add(at+".amount", "invalid", "an amount above zero is needed, in the smallest unit of the currency")
			continue
		}
		sum = total
	}
	if in.Amount > 0 && sum > in.Amount {
		f.Add("allocations", "exceeds_payment", "the allocations exceed the payment by %d; lower one of them", sum-in.Amount)
	}
	return f.Err()
}

// chosen answers the shares that were said.
func (s *Service) chosen(ctx context.Context, h activity.Head, p *payment.Payment, in TransferInput) ([]share, error) {
	var f fault.Fields
	var out []share
	p.Currency = in.Currency
	for n, a := range in.Allocations {
		at := fmt.Sprintf("allocations[%d]", n)
		inv, err := invoice.Get(ctx, s.Table, a.InvoiceID)
		switch fault.KindOf(err) {
		case fault.NotFound, fault.Invalid:
			f.Add(at+".invoiceId", "not_found", "there is no such invoice")
			continue
		}
		if err != nil {
			return nil, err
		}
		if p.Currency == "" {
			p.Currency = inv.Body.Currency
		}
		switch {
		case inv.ContactID != p.ContactID && slices.Contains(h.Members, inv.ContactID):
			f.Add(at+".invoiceId", "merged", "invoice %s lies with a record that was merged into this contact; record its part as a payment of that invoice", inv.Number)
		case inv.ContactID != p.ContactID:
			f.Add(at+".invoiceId", "another_contact", "this invoice belongs to another contact")
		case inv.Body.Currency != p.Currency:
			f.Add(at+".invoiceId", "currency", "invoice %s is in %s, the payment in %s", inv.Number, inv.Body.Currency, p.Currency)
		case inv.Takes(a.Amount, p.Currency) < a.Amount:
			f.Add(at+".amount", "exceeds_open", "invoice %s takes %s %s at most", inv.Number, money.Format(inv.Takes(a.Amount, p.Currency), p.Currency), p.Currency)
		default:
			out = append(out, share{inv, a.Amount})
		}
	}
	return out, f.Err()
}

// openOf answers the contact's open invoices, and which of them have a payment that is disputed.
func (s *Service) openOf(ctx context.Context, contact string) (open []invoice.Invoice, disputed map[string]bool, err error) {
	part := false
	for cursor := ""; ; {
		is, next, err := invoice.List(ctx, s.Table, invoice.Filter{Contacts: []string{contact}, State: invoice.Open}, store.MaxPage, cursor)
		if err != nil {
			return nil, nil, err
		}
		for _, i := range is {
			part = part || i.Paid > 0
		}
		open = append(open, is...)
		if cursor = next; cursor == "" {
			break
		}
	}
	if !part {
		return open, nil, nil // nothing was paid, so nothing can be disputed
	}
	disputed = map[string]bool{}
	for cursor := ""; ; {
		ps, next, err := payment.OfContact(ctx, s.Table, contact, store.MaxPage, cursor)
		if err != nil {
			return nil, nil, err
		}
		for _, p := range ps {
			for _, a := range p.Allocations {
				disputed[a.InvoiceID] = disputed[a.InvoiceID] || p.State == payment.Disputed
			}
		}
		if cursor = next; cursor == "" {
			return open, disputed, nil
		}
	}
}

// currency is the payment's: what was said, else that of all open invoices, else the contact's or the organisation's.
func (s *Service) currency(ctx context.Context, said, ofContact string, open []invoice.Invoice) (string, error) {
	if said != "" {
		return said, nil
	}
	found := ""
	for _, i := range open {
		if found != "" && found != i.Body.Currency {
			return "", fault.InField("currency", "required", "there are open invoices in %s and in %s; say the payment's currency", found, i.Body.Currency)
		}
		found = i.Body.Currency
	}
	if found == "" {
		found = ofContact
	}
	if found != "" {
		return found, nil
	}
	set, err := s.Org.Get(ctx)
	return set.Currency, err
}

// oldest spreads an amount over open invoices, the oldest first, [MaxAllocations] at most.
func oldest(open []invoice.Invoice, amount int64, currency string) []share {
	open = slices.Clone(open)
	day := func(a, b civil.Date) int { return cmp.Compare(a.String(), b.String()) }
	slices.SortFunc(open, func(a, b invoice.Invoice) int {
		return cmp.Or(day(a.NextDue(), b.NextDue()), day(a.IssuedOn, b.IssuedOn), cmp.Compare(a.Number, b.Number))
	})
	var out []share
	for _, i := range open {
		part := i.Takes(amount, currency)
		if part == 0 {
			continue
		}
		out = append(out, share{i, part})
		if amount -= part; len(out) == MaxAllocations {
			break
		}
	}
	return out
}
