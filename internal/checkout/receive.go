package checkout

import (
	"context"
	"strconv"
	"time"

	"onebook/internal/activity"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/issue"
	"onebook/internal/payment"
	"onebook/internal/store"
)

// share is the part of a payment that one invoice is to take; zero when it takes nothing.
type share struct {
	inv    invoice.Invoice
	amount int64
}

// whole is all of a payment that one invoice takes.
func whole(inv invoice.Invoice, p payment.Payment) share {
	return share{inv, inv.Takes(p.Amount, p.Currency)}
}

// received answers the operations and postings of money that arrived: each invoice takes its share, the rest is the
// contact's credit. What had been written off is a receivable again before it is paid. One receipt tells of all; its first
// share's invoice, which need not take anything, is the one that it leads to.
func (s *Service) received(ctx context.Context, p *payment.Payment, shares []share, from activity.Account, now time.Time) ([]store.Op, []activity.Posting, error) {
	var ops []store.Op
	ps := []activity.Posting{{Account: from, Currency: p.Currency, Amount: p.Amount, Ref: p.ID}}
	p.Credit, p.Allocations = p.Amount, nil
	var remains int64
	for _, x := range shares {
		remains += x.inv.Due()
		if x.amount == 0 {
			continue
		}
		remains -= x.inv.Due()
		recovered, err := x.inv.Settle(x.amount, now)
		if err != nil {
			return nil, nil, err
		}
		remains += x.inv.Due()
		more, err := s.put(ctx, x.inv, now)
		if err != nil {
			return nil, nil, err
		}
		ops = append(ops, more...)
		p.Allocations = append(p.Allocations, payment.Allocation{InvoiceID: x.inv.ID, Amount: x.amount, Recovered: recovered})
		p.Credit -= x.amount
		ps = append(ps, allocated(p.Currency, x.inv.ID, x.amount, recovered)...)
	}
	if len(ops) > maxOps {
		return nil, nil, fault.Unready.Errorf("too many tasks end with these invoices for one write; record the payment in two parts").Coded("too_large")
	}
	if p.Credit > 0 {
		ps = append(ps, activity.Posting{Account: activity.Credit, Currency: p.Currency, Amount: -p.Credit, Ref: p.ID})
	}
	if len(shares) == 0 {
		return ops, ps, nil // no document to write a receipt for; the record shows the credit
	}
	receipt, err := effect.New(effect.Effect{
		ID: s.IDs.New("ef"), Lane: effect.Mail, Kind: MailReceipt, ContactID: p.ContactID, Subject: p.ID,
		Args:  map[string]string{"invoice": shares[0].inv.ID, "remains": strconv.FormatInt(remains, 10)},
		Title: "Receipt for invoice " + shares[0].inv.Number, Area: issue.Billing,
	}, now)
	if err != nil {
		return nil, nil, err
	}
	return append(ops, receipt), ps, nil
}

// maxOps leaves room for the payment, its entry, head, receipt and idempotency record in one write of the table.
const maxOps = 90

// put answers the operations that store an invoice that money went to; once it is paid, the tasks for it end.
func (s *Service) put(ctx context.Context, inv invoice.Invoice, now time.Time) ([]store.Op, error) {
	op, err := inv.Put()
	if err != nil || inv.State != invoice.Paid {
		return []store.Op{op}, err
	}
	ends, err := s.ended(ctx, inv, now)
	return append([]store.Op{op}, ends...), err
}

// allocated are the postings of an invoice's share (rules.md §11).
func allocated(currency, invoiceID string, amount, recovered int64) []activity.Posting {
	post := func(a activity.Account, n int64) activity.Posting {
		return activity.Posting{Account: a, Currency: currency, Amount: n, Ref: invoiceID}
	}
	if recovered == 0 {
		return []activity.Posting{post(activity.Receivable, -amount)}
	}
	return []activity.Posting{
		post(activity.Receivable, recovered), post(activity.WriteOff, -recovered), post(activity.Receivable, -amount),
	}
}
