package app

import (
	"context"
	"slices"
	"strings"

	"onebook/internal/billing"
	"onebook/internal/deal"
	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/order"
	"onebook/internal/payment"
	"onebook/internal/selling"
	"onebook/internal/store"
	"onebook/internal/task"
)

// documents tells tasks what became of the documents that they hang on, and merges whose documents were issued.
type documents struct{ table store.Table }

func (d documents) outcome(ctx context.Context, subject string) (task.Outcome, string, error) {
	prefix, _, _ := strings.Cut(subject, "_")
	switch prefix {
	case "dl":
		x, err := deal.Get(ctx, d.table, subject)
		o, because := selling.OutcomeOfDeal(x)
		return o, because, err
	case "es":
		e, err := estimate.Get(ctx, d.table, subject)
		o, because := selling.Outcome(e)
		return o, because, err
	case "in":
		i, err := invoice.Get(ctx, d.table, subject)
		o, because := billing.Outcome(i)
		return o, because, err
	case "or":
		_, err := order.Get(ctx, d.table, subject)
		return task.Goes, "", err
	case "py":
		_, err := payment.Get(ctx, d.table, subject)
		return task.Goes, "", err
	}
	return task.Goes, "", fault.NotFound.Errorf("there is no document with the id %.60q", subject)
}

// issued reports whether a contact has an invoice that was issued.
func (d documents) issued(ctx context.Context, contactID string) (bool, error) {
	for cursor := ""; ; {
		is, next, err := invoice.List(ctx, d.table, invoice.Filter{Contacts: []string{contactID}}, 20, cursor)
		if err != nil || slices.ContainsFunc(is, func(i invoice.Invoice) bool { return i.State != invoice.Draft }) {
			return err == nil, err
		}
		if cursor = next; cursor == "" {
			return false, nil
		}
	}
}
