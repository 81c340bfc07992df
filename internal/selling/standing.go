package selling

import (
	"context"
	"fmt"

	"onebook/internal/deal"
	"onebook/internal/estimate"
	"onebook/internal/invoice"
	"onebook/internal/order"
	"onebook/internal/store"
)

// Money is what the documents of a deal come to, minor units of the deal's currency, with tax.
type Money struct {
	Estimated int64 // offers that wait or were accepted
	Agreed    int64 // orders, and accepted estimates that are none yet; of a canceled order what was billed
	Billed    int64 // issued, less voided and credited
	Paid      int64
	Due       int64
}

// Standing is a deal's stage compared with its money (product.md D9).
type Standing struct {
	Money
	Mismatch []string // what does not fit, in plain words; empty when all does

	waiting  bool // an offer waits for its answer
	owed     bool // an invoice is open
	invoiced bool // an invoice is issued and not void
	other    bool // a document in another currency, which no sum holds
}

// Standing reads all documents of a deal, those of contacts that were merged among them.
func (s *Service) Standing(ctx context.Context, d deal.Deal) (Standing, error) {
	contacts, err := s.Records.Family(ctx, d.ContactID)
	if err != nil {
		return Standing{}, err
	}
	var st Standing
	for _, add := range []func(context.Context, deal.Deal, []string, *Standing) error{s.addEstimates, s.addOrders, s.addInvoices} {
		if err := add(ctx, d, contacts, &st); err != nil {
			return Standing{}, err
		}
	}
	st.Mismatch = st.mismatch(d)
	return st, nil
}

func (s *Service) addEstimates(ctx context.Context, d deal.Deal, contacts []string, st *Standing) error {
	for cursor := ""; ; {
		es, next, err := estimate.List(ctx, s.Table, "", contacts, store.MaxPage, cursor)
		if err != nil {
			return err
		}
		for _, e := range es {
			if e.DealID != d.ID {
				continue
			}
			total := e.Body.Totals.Total
			switch e.State {
			case estimate.Sent, estimate.Viewed:
				st.waiting = true
			case estimate.Accepted, estimate.Invoiced:
				if e.OrderID == "" && st.counts(d, e.Body.Currency) {
					st.Agreed += total
				}
			default:
				continue
			}
			if st.counts(d, e.Body.Currency) {
				st.Estimated += total
			}
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
}

func (s *Service) addOrders(ctx context.Context, d deal.Deal, contacts []string, st *Standing) error {
	for _, c := range contacts {
		os, err := order.OfContact(ctx, s.Table, c)
		if err != nil {
			return err
		}
		for _, o := range os {
			if o.DealID != d.ID || !st.counts(d, o.Body.Currency) {
				continue
			}
			if o.State == order.Canceled {
				st.Agreed += o.Billed
			} else {
				st.Agreed += o.Total()
			}
		}
	}
	return nil
}

func (s *Service) addInvoices(ctx context.Context, d deal.Deal, contacts []string, st *Standing) error {
	for cursor := ""; ; {
		is, next, err := invoice.List(ctx, s.Table, invoice.Filter{Contacts: contacts}, store.MaxPage, cursor)
		if err != nil {
			return err
		}
		for _, i := range is {
			if i.DealID != d.ID || i.State == invoice.Draft || i.State == invoice.Void {
				continue
			}
			st.invoiced = true
			st.owed = st.owed || i.State == invoice.Open
			if st.counts(d, i.Body.Currency) {
				st.Billed += i.Body.Totals.Total - i.Credited
				st.Paid += i.Paid
				st.Due += i.Due()
			}
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
}

// counts reports whether a document is in the deal's currency; sums never mix two.
func (st *Standing) counts(d deal.Deal, currency string) bool {
	st.other = st.other || currency != d.Currency
	return currency == d.Currency
}

// mismatch says in plain words where the stage and the money tell different stories.
func (st *Standing) mismatch(d deal.Deal) []string {
	out := []string{}
	say := func(when bool, format string, args ...any) {
		if when {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	switch d.State {
	case deal.Open:
		say(st.Agreed > 0, "open, but the client has agreed")
		say(st.invoiced, "open, but an invoice is issued")
	case deal.Won:
		say(!st.invoiced, "won, but nothing is billed")
		say(d.Amount != nil && st.Agreed > 0 && *d.Amount != st.Agreed,
			"won over %s, but %s is agreed", worthOf(d, d.Amount), worthOf(d, &st.Agreed))
	case deal.Lost:
		say(st.owed, "lost, but an invoice is open")
		say(st.waiting, "lost, but an estimate waits for its answer")
		say(st.Agreed > 0, "lost, but the client has agreed")
	}
	say(st.Agreed > 0 && st.Billed > st.Agreed, "more is billed than was agreed")
	say(st.other, "there are documents in another currency, which are not counted here")
	return out
}

func worthOf(d deal.Deal, minor *int64) string {
	if minor == nil {
		return "nothing"
	}
	return amount(*minor, d.Currency)
}
