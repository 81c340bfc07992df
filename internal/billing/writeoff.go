package billing

import (
	"context"
	"fmt"

	"onebook/internal/activity"
	"onebook/internal/approval"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/member"
	"onebook/internal/money"
)

// Kinds of deeds that may take two persons; their subject is the invoice.
const (
	writeOff = "invoice.write-off"
	void     = "invoice.void"
)

// Decisions are what [approval.Desk] decides for this package.
func (s *Service) Decisions() map[string]approval.Decision {
	return map[string]approval.Decision{writeOff: s.writtenOff, void: s.voided}
}

// WriteOff gives up what is due on an open invoice, which is uncollectible from then on; money that comes in after all
// recovers it. Where it takes two persons it asks, and answers the id of the approval ([approval.Desk.Do]). Again, it
// changes nothing. fault.Unready for an invoice that is not open, or while a payment of it is on its way.
func (s *Service) WriteOff(ctx context.Context, by activity.By, invoiceID, reason string) (approvalID string, err error) {
	if err := member.May(by, member.WriteOff); err != nil {
		return "", err
	}
	return s.second(ctx, by, writeOff, "Write off", invoiceID, reason)
}

// Void takes an issued invoice back while nothing was paid or credited and, unless the settings allow it, before it was
// sent. The number stays; the books are reversed; credit that had paid of it is the contact's again; the link stops working
// as a way to pay. Where the settings want two persons for one that was sent, it asks, and answers the id of the approval.
func (s *Service) Void(ctx context.Context, by activity.By, invoiceID, reason string) (approvalID string, err error) {
	if err := member.May(by, member.InvoiceWrite); err != nil {
		return "", err
	}
	return s.second(ctx, by, void, "Void", invoiceID, reason)
}

// second brings a deed to the desk, in words that the other person can answer.
func (s *Service) second(ctx context.Context, by activity.By, kind, verb, invoiceID, reason string) (string, error) {
	i, err := invoice.Get(ctx, s.Table, invoiceID)
	if err != nil {
		return "", err
	}
	due := i.Due()
	return s.Second.Do(ctx, by, approval.Approval{
		ContactID: i.ContactID, Kind: kind, Subject: i.ID, Reason: reason, Amount: due, Currency: i.Body.Currency,
		Text: fmt.Sprintf("%s invoice %s, %s %s due", verb, i.Number, money.Format(due, i.Body.Currency), i.Body.Currency),
	})
}

func (s *Service) writtenOff(ctx context.Context, _ activity.By, h activity.Head, a approval.Approval) (*activity.Deed, bool, error) {
	two := true
	d, err := s.written(ctx, h, a.Subject, func(ctx context.Context, _ activity.Head, i *invoice.Invoice) (*activity.Deed, error) {
		switch i.State {
		case invoice.Uncollectible:
			return nil, nil
		case invoice.Open:
		default:
			return nil, fault.Unready.Errorf("an invoice that is %s cannot be written off", i.State)
		}
		if err := s.idle(ctx, *i); err != nil {
			return nil, err
		}
		set, today, err := s.today(ctx)
		if err != nil {
			return nil, err
		}
		two = i.Body.Currency != set.Currency || i.Due() > set.SmallBalance
		n, err := i.GiveUp(a.Reason, s.Now().UTC())
		if err != nil {
			return nil, err
		}
		return &activity.Deed{
			Kind: "invoice.written_off", Text: fmt.Sprintf("Wrote off %s %s of invoice %s", money.Format(n, i.Body.Currency), i.Body.Currency, i.Number),
			Reason: a.Reason, On: today.String(), Postings: lost(*i, n),
		}, nil
	})
	return d, two, err
}

func (s *Service) voided(ctx context.Context, _ activity.By, h activity.Head, a approval.Approval) (*activity.Deed, bool, error) {
	two := false
	d, err := s.written(ctx, h, a.Subject, func(ctx context.Context, _ activity.Head, i *invoice.Invoice) (*activity.Deed, error) {
		set, today, err := s.today(ctx)
		if err != nil {
			return nil, err
		}
		switch {
		case i.State == invoice.Void:
			return nil, nil
		case i.State == invoice.Draft:
			return nil, fault.Unready.Errorf("a draft is thrown away, not voided")
		case i.Paid != i.Applied || i.Credited != 0:
			return nil, fault.Unready.Errorf("invoice %s has payments or credits; correct it with a credit note", i.Number)
		case !i.SentAt.IsZero() && !set.VoidSent:
			return nil, fault.Unready.Errorf("invoice %s was sent already; correct it with a credit note, or allow voiding sent invoices in the settings", i.Number).Coded("sent")
		}
		if err := s.idle(ctx, *i); err != nil {
			return nil, err
		}
		two = !i.SentAt.IsZero() && set.VoidByTwo
		ps := activity.Reversed(append(issued(*i), lost(*i, i.WrittenOff)...))
		released, err := i.Release(s.Now().UTC())
		if err != nil {
			return nil, err
		}
		i.WrittenOff = 0
		if err := i.To(invoice.Void); err != nil {
			return nil, err
		}
		i.VoidReason = a.Reason
		ops, turned, err := s.count(ctx, *i, -1)
		if err != nil {
			return nil, err
		}
		return &activity.Deed{
			Kind: "invoice.voided", Text: "Voided invoice " + i.Number, Reason: a.Reason, On: today.String(),
			Postings: append(append(ps, released...), turned...), Ops: ops,
		}, nil
	})
	return d, two, err
}

// lost are the postings by which an amount of an invoice is given up; reversed, they recover it (rules.md §11).
func lost(i invoice.Invoice, amount int64) []activity.Posting {
	if amount == 0 {
		return nil
	}
	return []activity.Posting{
		{Account: activity.WriteOff, Currency: i.Body.Currency, Amount: amount, Ref: i.ID},
		{Account: activity.Receivable, Currency: i.Body.Currency, Amount: -amount, Ref: i.ID},
	}
}
