package checkout

import (
	"context"
	"fmt"
	"strings"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/invoice"
	"onebook/internal/member"
	"onebook/internal/money"
	"onebook/internal/payment"
)

// ManualInput is a payment that a person has received and writes down.
type ManualInput struct {
	InvoiceID  string // of Manual alone
	Amount     int64  // minor units, above zero
	Method     string
	ReceivedOn civil.Date
	Reference  string
}

// accountOf is where the money of a manual method lies.
var accountOf = map[string]activity.Account{
	payment.ByCash: activity.Cash, payment.ByTransfer: activity.Bank, payment.ByCheck: activity.Bank, payment.ByOther: activity.Bank,
}

// Manual records a payment by hand against an invoice; what is more than due becomes the contact's credit, and what had
// been written off is recovered. fault.Invalid names each wrong field; fault.Unready for a draft or void invoice.
func (s *Service) Manual(ctx context.Context, by activity.By, in ManualInput) (payment.Payment, error) {
	if err := member.May(by, member.PaymentRecord); err != nil {
		return payment.Payment{}, err
	}
	contact, err := id.Contact("in", in.InvoiceID)
	if err != nil {
		return payment.Payment{}, err
	}
	return s.record(ctx, by, contact, in, func(ctx context.Context, _ activity.Head, p *payment.Payment) ([]share, error) {
		inv, err := invoice.Get(ctx, s.Table, in.InvoiceID)
		if err != nil {
			return nil, err
		}
		if inv.State == invoice.Draft || inv.State == invoice.Void {
			return nil, fault.Unready.Errorf("an invoice that is %s takes no payment", inv.State)
		}
		p.Currency = inv.Body.Currency
		return []share{whole(inv, *p)}, nil
	})
}

// record writes money that a person has received down. choose says the payment's currency and what each invoice takes of
// it; it decides on reads that are fresh each time.
func (s *Service) record(
	ctx context.Context, by activity.By, contact string, in ManualInput,
	choose func(ctx context.Context, h activity.Head, p *payment.Payment) ([]share, error),
) (payment.Payment, error) {
	set, err := s.Org.Get(ctx)
	if err != nil {
		return payment.Payment{}, err
	}
	today, err := set.Today(s.Now())
	if err != nil {
		return payment.Payment{}, err
	}
	if in.ReceivedOn.IsZero() {
		in.ReceivedOn = today
	}
	if err := in.check(today); err != nil {
		return payment.Payment{}, err
	}
	var made string
	_, err = s.Records.Do(ctx, by, activity.ContactChain(contact), func(ctx context.Context, h activity.Head) (*activity.Deed, error) {
		now := s.Now().UTC()
		p := payment.Payment{
			ID: s.IDs.Of("py", contact), ContactID: contact, State: payment.Succeeded, Amount: in.Amount,
			Method: in.Method, Reference: strings.TrimSpace(in.Reference), ReceivedOn: in.ReceivedOn, CreatedAt: now, SucceededAt: now,
		}
		shares, err := choose(ctx, h, &p)
		if err != nil {
			return nil, err
		}
		ops, ps, err := s.received(ctx, &p, shares, accountOf[in.Method], now)
		if err != nil {
			return nil, err
		}
		op, err := p.Put()
		if err != nil {
			return nil, err
		}
		text := fmt.Sprintf("Received %s %s by %s", money.Format(p.Amount, p.Currency), p.Currency, p.Method)
		d := &activity.Deed{Kind: "payment.recorded", Subject: p.ID, On: in.ReceivedOn.String(), Postings: ps, Ops: append(ops, op)}
		switch len(shares) {
		case 0:
		case 1:
			text += " for invoice " + shares[0].inv.Number
			d.Refs = map[string]string{"invoice": shares[0].inv.ID}
		default:
			text += " for invoices " + numbers(shares)
		}
		if p.Credit > 0 {
			text += fmt.Sprintf("; %s of it became credit", money.Format(p.Credit, p.Currency))
		}
		d.Text, made = text, p.ID
		return d, nil
	})
	if err != nil {
		return payment.Payment{}, err
	}
	return payment.Get(ctx, s.Table, made)
}

func numbers(shares []share) string {
	var ns []string
	for _, x := range shares {
		ns = append(ns, x.inv.Number)
	}
	return strings.Join(ns, ", ")
}

// oldestReceipt is how many days back money may have been received: ten years, which books are kept for. Earlier is a slip
// of the keyboard.
const oldestReceipt = 3653

func (in ManualInput) check(today civil.Date) error {
	var f fault.Fields
	if in.Amount <= 0 {
		f.Add("amount", "invalid", "an amount above zero is needed, in the smallest unit of the currency, e.g. 11900")
	} else if err := money.Check(in.Amount); err != nil {
		f.Add("amount", "invalid", "this amount is too large")
	}
	if _, ok := accountOf[in.Method]; !ok {
		f.Add("method", "invalid", "a method is one of cash, transfer, check, other")
	}
	if in.ReceivedOn.After(today) {
		f.Add("receivedOn", "future", "receivedOn lies in the future; today is %s", today)
	}
	if in.ReceivedOn.Before(today.AddDays(-oldestReceipt)) {
		f.Add("receivedOn", "past", "receivedOn lies more than ten years back; look at the year")
	}
	if len([]rune(in.Reference)) > 200 {
		f.Add("reference", "too_long", "a reference has at most 200 characters")
	}
	return f.Err()
}
