package checkout

import (
	"context"
	"fmt"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/invoice"
	"onebook/internal/member"
	"onebook/internal/money"
)

// ApplyCredit pays an open invoice, or amount of it, out of the contact's credit; amount 0 is as much as there is and is due.
// fault.Unready when there is no credit, or the invoice takes none; fault.Invalid for more than is due or in hand. An
// invoice that is paid already is answered as it is when no amount was said.
func (s *Service) ApplyCredit(ctx context.Context, by activity.By, invoiceID string, amount int64) (invoice.Invoice, error) {
	if err := member.May(by, member.PaymentRecord); err != nil {
		return invoice.Invoice{}, err
	}
	contact, err := id.Contact("in", invoiceID)
	if err != nil {
		return invoice.Invoice{}, err
	}
	_, err = s.Records.Do(ctx, by, activity.ContactChain(contact), func(ctx context.Context, h activity.Head) (*activity.Deed, error) {
		inv, err := invoice.Get(ctx, s.Table, invoiceID)
		if err != nil {
			return nil, err
		}
		if inv.State == invoice.Paid && amount == 0 {
			return nil, nil
		}
		part, err := applicable(inv, h, amount)
		if err != nil {
			return nil, err
		}
		set, err := s.Org.Get(ctx)
		if err != nil {
			return nil, err
		}
		now := s.Now().UTC()
		day, err := set.Today(now)
		if err != nil {
			return nil, err
		}
		ps, err := inv.Apply(part, now)
		if err != nil {
			return nil, err
		}
		ops, err := s.put(ctx, inv, now)
		if err != nil {
			return nil, err
		}
		return &activity.Deed{
			Kind: "credit.applied", Subject: inv.ID, On: day.String(), Postings: ps, Ops: ops,
			Text: fmt.Sprintf("Paid %s %s of invoice %s from credit", money.Format(part, inv.Body.Currency), inv.Body.Currency, inv.Number),
		}, nil
	})
	if err != nil {
		return invoice.Invoice{}, err
	}
	return invoice.Get(ctx, s.Table, invoiceID)
}

// applicable answers how much of the credit goes to an invoice.
func applicable(inv invoice.Invoice, h activity.Head, amount int64) (int64, error) {
	cur := inv.Body.Currency
	credit := h.Balances[cur].Credit
	switch {
	case inv.State != invoice.Open || inv.Due() <= 0:
		return 0, fault.Unready.Errorf("an invoice that is %s takes no credit", inv.State)
	case credit <= 0 && (h.MergedInto != "" || len(h.Members) > 0):
		return 0, fault.Unready.Errorf("there is no credit in %s with this record; credit of a contact it was merged with pays that one's own invoices", cur).Coded("no_credit")
	case credit <= 0:
		return 0, fault.Unready.Errorf("the contact has no credit in %s", cur).Coded("no_credit")
	case amount == 0:
		return min(credit, inv.Due()), nil
	case amount < 0 || amount > inv.Due():
		return 0, fault.InField("amount", "exceeds_open", "an amount above zero is needed, and at most what is due, %s %s", money.Format(inv.Due(), cur), cur)
	case amount > credit:
		return 0, fault.InField("amount", "exceeds_credit", "there is %s %s of credit", money.Format(credit, cur), cur)
	}
	return amount, nil
}
