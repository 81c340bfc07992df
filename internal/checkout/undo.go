package checkout

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/invoice"
	"onebook/internal/member"
	"onebook/internal/money"
	"onebook/internal/payment"
	"onebook/internal/store"
)

// Void takes a payment back that was keyed by mistake: what it paid is owed again, what it recovered is written off again,
// its credit is gone, and the reason is kept. Again, it answers the same payment. fault.Unready for money that came through
// the provider, which is given back by a refund, and with the code credit_used when its credit pays something by now.
func (s *Service) Void(ctx context.Context, by activity.By, paymentID, reason string) (payment.Payment, error) {
	if err := member.May(by, member.PaymentRecord); err != nil {
		return payment.Payment{}, err
	}
	reason = strings.TrimSpace(reason)
	if reason == "" || len([]rune(reason)) > 1000 {
		return payment.Payment{}, fault.InField("reason", "required", "say why, in 1 to 1,000 characters: it is kept in the history")
	}
	contact, err := id.Contact("py", paymentID)
	if err != nil {
		return payment.Payment{}, err
	}
	_, err = s.Records.Do(ctx, by, activity.ContactChain(contact), func(ctx context.Context, h activity.Head) (*activity.Deed, error) {
		p, err := payment.Get(ctx, s.Table, paymentID)
		switch {
		case err != nil:
			return nil, err
		case p.State == payment.Voided:
			return nil, nil
		case p.Online != nil:
			return nil, fault.Unready.Errorf("this money came through the payment provider; give it back with a refund").Coded("online")
		}
		if err := p.To(payment.Voided); err != nil {
			return nil, err
		}
		if err := s.creditLeft(ctx, h, p); err != nil {
			return nil, err
		}
		now := s.Now().UTC()
		p.VoidedAt, p.VoidReason = now, reason
		ps := []activity.Posting{{Account: accountOf[p.Method], Currency: p.Currency, Amount: p.Amount, Ref: p.ID}}
		var ops []store.Op
		var ns []string
		for _, a := range p.Allocations {
			inv, err := invoice.Get(ctx, s.Table, a.InvoiceID)
			if err != nil {
				return nil, err
			}
			if err := inv.Unsettle(a.Amount, a.Recovered, now); err != nil {
				return nil, err
			}
			op, err := inv.Put()
			if err != nil {
				return nil, err
			}
			ops, ns = append(ops, op), append(ns, inv.Number)
			ps = append(ps, allocated(p.Currency, a.InvoiceID, a.Amount, a.Recovered)...)
		}
		if p.Credit > 0 {
			ps = append(ps, activity.Posting{Account: activity.Credit, Currency: p.Currency, Amount: -p.Credit, Ref: p.ID})
		}
		op, err := p.Put()
		if err != nil {
			return nil, err
		}
		set, err := s.Org.Get(ctx)
		if err != nil {
			return nil, err
		}
		day, err := set.Today(now)
		if err != nil {
			return nil, err
		}
		text := fmt.Sprintf("Voided the payment of %s %s by %s", money.Format(p.Amount, p.Currency), p.Currency, p.Method)
		if len(ns) > 0 {
			text += " for " + strings.Join(ns, ", ")
		}
		return &activity.Deed{
			Kind: "payment.voided", Subject: p.ID, Text: text, Reason: reason, On: day.String(), Postings: activity.Reversed(ps), Ops: append(ops, op),
		}, nil
	})
	if err != nil {
		return payment.Payment{}, err
	}
	return payment.Get(ctx, s.Table, paymentID)
}

// creditLeft refuses when credit that the payment made is not there any more, and says what it paid, the latest first.
func (s *Service) creditLeft(ctx context.Context, h activity.Head, p payment.Payment) error {
	left := h.Balances[p.Currency].Credit
	if p.Credit <= left {
		return nil
	}
	var paid []invoice.Invoice
	for cursor := ""; ; {
		is, next, err := invoice.List(ctx, s.Table, invoice.Filter{Contacts: []string{p.ContactID}}, store.MaxPage, cursor)
		if err != nil {
			return err
		}
		paid = append(paid, slices.DeleteFunc(is, func(i invoice.Invoice) bool { return i.Applied == 0 || i.Body.Currency != p.Currency })...)
		if cursor = next; cursor == "" {
			break
		}
	}
	var where []string
	for _, i := range paid[:min(len(paid), 5)] {
		where = append(where, fmt.Sprintf("%s (%s)", i.Number, money.Format(i.Applied, p.Currency)))
	}
	went := "it was given back"
	if len(where) > 0 {
		went = "it went to " + strings.Join(where, ", ")
	}
	return fault.Unready.Errorf("%s %s of this payment became credit, and only %s is left: %s", money.Format(p.Credit, p.Currency),
		p.Currency, money.Format(left, p.Currency), went).Coded("credit_used")
}
