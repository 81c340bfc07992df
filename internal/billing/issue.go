package billing

import (
	"context"
	"fmt"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/issue"
	"onebook/internal/link"
	"onebook/internal/money"
	"onebook/internal/sale"
	"onebook/internal/series"
	"onebook/internal/totals"
)

func (s *Service) issue(ctx context.Context, h activity.Head, i *invoice.Invoice) (*activity.Deed, error) {
	set, today, err := s.today(ctx)
	if err != nil {
		return nil, err
	}
	if i.Body.Totals.Payable < 0 || i.Body.Totals.Total < 0 {
		return nil, fault.Unready.Errorf("an invoice cannot be negative; give money back with a credit note")
	}
	if err := s.taxed(ctx, *i, today); err != nil {
		return nil, err
	}
	c, err := s.Clients.Client(ctx, i.ContactID)
	if err != nil {
		return nil, err
	}
	n, err := series.Take(ctx, s.Table, "invoice", set.Numbering.Invoice, today)
	if err != nil {
		return nil, err
	}
	if err := i.To(invoice.Open); err != nil {
		return nil, err
	}
	now := s.Now().UTC()
	frozen := sale.Freeze(set, c)
	if err := i.Body.CheckLaw(set.Address.Country, frozen.Seller, frozen.Client); err != nil {
		return nil, err
	}
	l, linkOp, err := s.Links.New(link.Link{Scope: link.Invoice, Document: i.ID, ContactID: i.ContactID})
	if err != nil {
		return nil, err
	}
	i.Number, i.IssuedOn, i.Frozen, i.LinkID = n.Number, n.On, &frozen, l.ID
	first := i.NextDue()
	if n := len(i.Instalments); n > 0 {
		i.DueOn = i.Instalments[n-1].DueOn
	}
	i.Recipients = recipients(*i, c)
	if i.DueOn.IsZero() {
		days := set.DueDays
		if i.DueDays != nil {
			days = *i.DueDays
		}
		i.DueOn = n.On.AddDays(days)
	}
	if len(i.Instalments) == 0 {
		first = i.DueOn
	}
	if first.Before(n.On) {
		return nil, fault.Unready.Errorf("the due date %s lies before the day of issue, %s; change the draft first", first, n.On).Coded("due_before_issue")
	}
	if i.Due() == 0 {
		i.PaidAt = now
		if err := i.To(invoice.Paid); err != nil {
			return nil, err
		}
	}
	text := fmt.Sprintf("Issued invoice %s over %s, due %s", i.Number, amount(*i), i.DueOn)
	ps := issued(*i)
	// What the client paid too much goes to the next invoice (rules.md §5), in the same write so that it cannot be forgotten.
	if credit := min(h.Balances[i.Body.Currency].Credit, i.Due()); credit > 0 && !set.KeepCredit {
		applied, err := i.Apply(credit, now)
		if err != nil {
			return nil, err
		}
		ps = append(ps, applied...)
		text += fmt.Sprintf("; %s of it paid from credit", money.Format(credit, i.Body.Currency))
	}
	guard, err := i.Guard()
	if err != nil {
		return nil, err
	}
	pdf, err := effect.New(effect.Effect{
		ID: s.IDs.New("ef"), Lane: effect.PDF, Kind: PrintPDF, ContactID: i.ContactID, Subject: i.ID,
		Title: "PDF of invoice " + i.Number, Area: issue.Billing,
	}, now)
	if err != nil {
		return nil, err
	}
	ops := append(i.Terms(), n.Op, guard, linkOp, pdf)
	more, turned, err := s.count(ctx, *i, 1)
	if err != nil {
		return nil, err
	}
	return &activity.Deed{
		Kind: "invoice.issued", Text: text, On: n.On.String(), Postings: append(ps, turned...), Ops: append(ops, more...),
	}, nil
}

// taxed refuses a draft whose tax has changed since it was written, or agreed.
func (s *Service) taxed(ctx context.Context, i invoice.Invoice, today civil.Date) error {
	line, err := s.Maker.Retaxed(ctx, i.Body, today)
	if err != nil || line == "" {
		return err
	}
	how := "save the draft again to take today's"
	switch {
	case i.Share == invoice.Final:
		how = "throw it away and bill the order with keepTax as it was agreed"
	case i.EstimateID != "":
		how = "type the tax into the line, as it was agreed or as it is today"
	}
	return fault.Unready.Errorf("the tax of %q is another by now than in this draft; %s", line, how).Coded("tax_changed")
}

// issued are the postings of an issue: the receivable against revenue and tax (rules.md §11). What was prepaid elsewhere
// counts as money already on the bank account, what the buyer withholds as a claim on the tax office. The net of an advance
// is a deposit until its order is billed.
func issued(i invoice.Invoice) []activity.Posting {
	t := i.Body.Totals
	var ps []activity.Posting
	add := func(a activity.Account, n int64) {
		if n != 0 {
			ps = append(ps, activity.Posting{Account: a, Currency: i.Body.Currency, Amount: n, Ref: i.ID})
		}
	}
	add(activity.Receivable, t.Payable)
	add(activity.Withheld, t.Withheld)
	add(activity.Bank, t.Prepaid)
	add(activity.Rounding, -t.Rounding)
	if i.Share.Advance() {
		add(activity.Deposits, -t.Net)
	} else {
		add(activity.Revenue, -t.Net)
	}
	for _, row := range t.Taxes {
		if !row.Withheld {
			add(activity.Tax(code(row)), -row.Tax)
		}
	}
	return ps
}

// code tells taxes apart as those who receive them do: by name unless it is VAT, category and rate.
func code(row totals.TaxResult) string {
	c := row.Category + ":" + row.Rate.String()
	if row.Surcharge {
		c += ":surcharge"
	}
	if row.Name != "" && row.Name != "VAT" {
		c = row.Name + ":" + c
	}
	return c
}
