package checkout

import (
	"context"
	"fmt"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/money"
	"onebook/internal/payment"
	"onebook/internal/store"
)

// attempt answers the pending payment to go on with: the one that is open for this invoice and amount, or a new one,
// recorded before the provider is asked.
func (s *Service) attempt(ctx context.Context, by activity.By, inv invoice.Invoice, amount int64) (payment.Payment, error) {
	var p payment.Payment
	_, err := s.Records.Do(ctx, by, activity.ContactChain(inv.ContactID), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		now := s.Now().UTC()
		found, err := s.running(ctx, inv, amount, now)
		if err != nil {
			return nil, err
		}
		if found != nil {
			p = *found
			return nil, nil
		}
		fresh, err := invoice.Get(ctx, s.Table, inv.ID)
		if err != nil {
			return nil, err
		}
		if err := payable(fresh, amount); err != nil {
			return nil, err
		}
		p = payment.Payment{
			ID: s.IDs.Of("py", inv.ContactID), ContactID: inv.ContactID, State: payment.Pending, Amount: amount, Currency: inv.Body.Currency,
			Method: "card", Online: &payment.Online{InvoiceID: inv.ID, LinkID: inv.LinkID}, CreatedAt: now,
		}
		op, err := p.Put()
		if err != nil {
			return nil, err
		}
		return &activity.Deed{
			Kind: "payment.started", Subject: p.ID, Refs: map[string]string{"invoice": inv.ID},
			Text: fmt.Sprintf("Opened the payment page for invoice %s over %s %s", inv.Number, money.Format(amount, inv.Body.Currency), inv.Body.Currency),
			Ops:  []store.Op{op},
		}, nil
	})
	if err != nil {
		return payment.Payment{}, err
	}
	return payment.Get(ctx, s.Table, p.ID)
}

// running finds the pending payment whose page the client may still use.
func (s *Service) running(ctx context.Context, inv invoice.Invoice, amount int64, now time.Time) (*payment.Payment, error) {
	all, err := s.pending(ctx, inv)
	if err != nil {
		return nil, err
	}
	var found *payment.Payment
	for _, p := range all {
		if p.Online.Paying {
			return nil, fault.Unready.Errorf("a payment of this invoice is under way; you will hear when it has arrived").Coded("paying")
		}
		end := repeatable(p)
		if p.Online.Session != "" {
			end = p.Online.ExpiresAt.Add(-time.Minute)
		}
		if found == nil && p.Amount == amount && now.Before(end) {
			found = &p
		}
	}
	return found, nil
}

// lost finds out about attempts of this invoice that never got a page and are too old to be repeated. Until their end is
// certain no other page is opened.
func (s *Service) lost(ctx context.Context, inv invoice.Invoice) error {
	all, err := s.pending(ctx, inv)
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.Online.Session == "" && s.Now().UTC().After(repeatable(p)) {
			if err := s.lookFor(ctx, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// repeatable is until when an attempt without a page may be asked for again with its key: the page's end counts from the
// attempt's record, and the provider opens no page for less than half an hour.
func repeatable(p payment.Payment) time.Time { return p.CreatedAt.Add(pageFor - 31*time.Minute) }

// pending answers the payments of an invoice whose outcome is not known.
func (s *Service) pending(ctx context.Context, inv invoice.Invoice) ([]payment.Payment, error) {
	var out []payment.Payment
	for cursor := ""; ; {
		ps, next, err := payment.OfContact(ctx, s.Table, inv.ContactID, 0, cursor)
		if err != nil {
			return nil, err
		}
		for _, p := range ps {
			if p.Open() && p.Online != nil && p.Online.InvoiceID == inv.ID {
				out = append(out, p)
			}
		}
		if cursor = next; cursor == "" {
			return out, nil
		}
	}
}
