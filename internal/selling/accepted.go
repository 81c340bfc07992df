package selling

import (
	"context"
	"errors"
	"time"

	"onebook/internal/activity"
	"onebook/internal/effect"
	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/issue"
	"onebook/internal/member"
	"onebook/internal/money"
	"onebook/internal/order"
	"onebook/internal/org"
	"onebook/internal/store"
)

// BillAccepted is the effect that bills an accepted estimate as the settings say; its subject is the estimate.
const BillAccepted = "book.accepted"

// The arguments of BillAccepted: what was set when the client accepted.
const (
	argDo      = "do"
	argDeposit = "deposit"
)

// Biller issues and sends the drafts that a conversion has made.
type Biller interface {
	Issue(ctx context.Context, by activity.By, invoiceID string) (invoice.Invoice, error)
	Send(ctx context.Context, by activity.By, invoiceID string) (invoice.Invoice, error)
}

// onAcceptance puts in line what the settings want after an acceptance. It is an effect, so that an acceptance never fails
// because of it, and what cannot be done is an issue.
func (s *Service) onAcceptance(e estimate.Estimate, set org.Settings, now time.Time) ([]store.Op, error) {
	if set.OnAcceptance == "" || set.OnAcceptance == org.AcceptNothing {
		return nil, nil
	}
	args := map[string]string{argDo: set.OnAcceptance}
	if set.AcceptanceDeposit.Given() {
		args[argDeposit] = set.AcceptanceDeposit.String()
	}
	op, err := effect.New(effect.Effect{
		ID: s.IDs.New("ef"), Lane: effect.Book, Kind: BillAccepted, ContactID: e.ContactID, Subject: e.ID, Args: args,
		Title: "Billing of accepted estimate " + e.Number, Area: issue.Billing,
	}, now)
	return []store.Op{op}, err
}

// Accepted is the handler of BillAccepted. It converts the estimate, and issues and sends what that has made, as the
// automation that was switched on; done twice it does nothing again. What a person has made of the estimate meanwhile stays
// as it is.
func (s *Service) Accepted(bill Biller) effect.Handler {
	by := member.Automaton(member.OnAccept)
	return func(ctx context.Context, ef effect.Effect) (effect.Plan, error) {
		e, err := estimate.Get(ctx, s.Table, ef.Subject)
		if errors.Is(err, fault.NotFound) {
			return effect.Plan{Skip: "the estimate is gone"}, nil
		}
		if err != nil {
			return effect.Plan{}, err
		}
		var schedule order.Schedule
		if percent := ef.Args[argDeposit]; percent != "" {
			p, err := money.ParseDecimal(percent)
			if err != nil {
				return effect.Plan{}, err
			}
			schedule.Deposit = &order.Portion{Percent: p}
		}
		switch {
		case e.State != estimate.Accepted:
			return effect.Plan{Skip: "the estimate is " + string(e.State)}, nil
		case e.OrderID != "":
			o, err := order.Get(ctx, s.Table, e.OrderID)
			if err != nil {
				return effect.Plan{}, err
			}
			if o.MadeBy != by.Kind+":"+by.ID {
				return effect.Plan{Skip: "a person has made an order of it"}, nil
			}
		}
		return effect.Plan{Call: func(ctx context.Context) (string, error) {
			made, err := s.Convert(ctx, by, e.ID, schedule)
			if err != nil {
				return "", err
			}
			return made.InvoiceIDs[0], s.follow(ctx, by, bill, ef.Args[argDo], made.InvoiceIDs[0])
		}}, nil
	}
}

// follow issues, or issues and sends, the first invoice of an order, as far as that was not done before.
func (s *Service) follow(ctx context.Context, by activity.By, bill Biller, do, invoiceID string) error {
	i, err := invoice.Get(ctx, s.Table, invoiceID)
	switch {
	case errors.Is(err, fault.NotFound):
		return nil // a person threw it away
	case err != nil:
		return err
	case do == org.AcceptIssue && i.State == invoice.Draft:
		_, err = bill.Issue(ctx, by, invoiceID)
	case do == org.AcceptSend && i.State != invoice.Void && i.SentAt.IsZero():
		_, err = bill.Send(ctx, by, invoiceID)
	}
	return err
}
