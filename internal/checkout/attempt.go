package checkout

import (
	"context"
	"fmt"
	"slices"
	"time"

	"onebook/internal/activity"
	"onebook/internal/invoice"
	"onebook/internal/member"
	"onebook/internal/money"
	"onebook/internal/payment"
	"onebook/internal/store"
)

// maxPages is how many pages of one invoice are open at a time: two payers with two tabs each, and one that was forgotten.
// One more closes the oldest, so that nobody is kept from paying and nobody can open them without end.
const maxPages = 5

// attempt answers the pending payment to go on with: the one that is open for this invoice, amount and methods, or a new one,
// recorded before the provider is asked.
func (s *Service) attempt(ctx context.Context, by activity.By, inv invoice.Invoice, asked int64, methods []string) (payment.Payment, error) {
	if err := s.crowded(ctx, inv, asked, methods); err != nil {
		return payment.Payment{}, err
	}
	var p payment.Payment
	_, err := s.Records.Do(ctx, by, activity.ContactChain(inv.ContactID), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		now := s.Now().UTC()
		fresh, err := invoice.Get(ctx, s.Table, inv.ID)
		if err != nil {
			return nil, err
		}
		all, err := s.pending(ctx, inv)
		if err != nil {
			return nil, err
		}
		amount, err := s.payable(fresh, asked, onItsWay(all))
		if err != nil {
			return nil, err
		}
		if found := running(all, amount, methods, now); found != nil {
			p = *found
			return activity.Nothing(p.ID), nil
		}
		p = payment.Payment{
			ID: s.IDs.Of("py", inv.ContactID), ContactID: inv.ContactID, State: payment.Pending, Amount: amount, Currency: inv.Body.Currency,
			Method: methods[0], Online: &payment.Online{InvoiceID: inv.ID, LinkID: inv.LinkID, Methods: methods}, CreatedAt: now,
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

// onItsWay is the money that has left the client and not arrived.
func onItsWay(all []payment.Payment) int64 {
	var sum int64
	for _, p := range all {
		if p.Online.Paying {
			sum += p.Amount
		}
	}
	return sum
}

// running finds the pending payment whose page the client may still use.
func running(all []payment.Payment, amount int64, methods []string, now time.Time) *payment.Payment {
	for _, p := range all {
		if usable(p, now) && p.Amount == amount && slices.Equal(offers(p), methods) {
			return &p
		}
	}
	return nil
}

// usable reports whether a pending payment has a page that can be paid on for a minute more, or may still get one.
func usable(p payment.Payment, now time.Time) bool {
	end := repeatable(p)
	if p.Online.Session != "" {
		end = p.Online.ExpiresAt.Add(-time.Minute)
	}
	return !p.Online.Paying && now.Before(end)
}

// offers answers the methods that a payment's page was asked to offer.
func offers(p payment.Payment) []string {
	if len(p.Online.Methods) == 0 {
		return []string{payment.ByCard}
	}
	return p.Online.Methods
}

// crowded closes the oldest open page of an invoice that has as many as it may, unless the one that is asked for is among
// them.
func (s *Service) crowded(ctx context.Context, inv invoice.Invoice, asked int64, methods []string) error {
	all, err := s.pending(ctx, inv)
	if err != nil {
		return err
	}
	now := s.Now().UTC()
	if asked == 0 {
		asked = inv.Due() - onItsWay(all)
	}
	if running(all, asked, methods, now) != nil {
		return nil
	}
	var open []payment.Payment
	for _, p := range all {
		if p.Online.Session != "" && usable(p, now) {
			open = append(open, p)
		}
	}
	slices.SortFunc(open, func(a, b payment.Payment) int { return b.CreatedAt.Compare(a.CreatedAt) })
	for n := maxPages - 1; n < len(open); n++ {
		if err := s.shut(ctx, member.Automaton(member.Puller), open[n]); err != nil {
			return err
		}
	}
	return nil
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
