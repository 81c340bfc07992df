package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"onebook/infra/local/drive"
)

// invoice and payment are what the API tells of them, as far as it is compared.
type invoice struct {
	ID, Number, Status, Display, ContactID, Currency string
	Lines                                            []struct{ Name string }
	Total, TaxTotal, Paid, Due                       int64
	IssuedOn, DueOn                                  string
	PaidAt                                           time.Time
	PDF                                              *struct{ SHA256 string }
}

// source is the file's number, read back from the invoice's line.
func (i invoice) source() string {
	if len(i.Lines) != 1 {
		return ""
	}
	return strings.TrimPrefix(i.Lines[0].Name, lineName)
}

type payment struct {
	ID, Status, ContactID, Currency, ReceivedOn string
	Amount, Credit                              int64
	Allocations                                 []struct {
		InvoiceID string
		Amount    int64
	}
}

// checkOverdue compares a day's overdue invoices before its payments, one by one: the list of them, and the word on each open one.
func (l *life) checkOverdue(ctx context.Context, today string, want []string, cents int64) error {
	listed, err := drive.List[invoice](ctx, l.Client, "/v1/invoices?status=overdue")
	if err != nil {
		return err
	}
	open, err := drive.List[invoice](ctx, l.Client, "/v1/invoices?status=open")
	if err != nil {
		return err
	}
	said := slices.DeleteFunc(open, func(i invoice) bool { return i.Display != "overdue" })
	for what, found := range map[string][]invoice{"listed as": listed, "said to be": said} {
		var got []string
		var due int64
		for _, i := range found {
			got = append(got, i.source())
			due += i.Due
		}
		slices.Sort(got)
		wrong := ""
		switch {
		case !slices.Equal(got, want):
			wrong = fmt.Sprintf("%s: %d %s overdue, not %d", today, len(got), what, len(want))
		case due != cents:
			wrong = fmt.Sprintf("%s: %s %s overdue, not %s", today, dollars(due), what, dollars(cents))
		}
		l.overdue.add(wrong)
	}
	return nil
}

// balance answers what a contact owes and what it has in credit, in dollars; another currency on its account is an error.
func (l *life) balance(ctx context.Context, contactID string) (due, credit int64, err error) {
	var c struct {
		Balance []struct {
			Currency    string
			Due, Credit int64
		}
	}
	if err := l.Get(ctx, "/v1/contacts/"+contactID, &c); err != nil {
		return 0, 0, err
	}
	for _, b := range c.Balance {
		if b.Currency != "USD" {
			return 0, 0, fmt.Errorf("contact %s has %d of %s, which nobody gave", contactID, b.Due-b.Credit, b.Currency)
		}
		due += b.Due
		credit += b.Credit
	}
	return due, credit, nil
}

// checkOwed compares every customer's balance in the evening of a day.
func (l *life) checkOwed(ctx context.Context, today string, want, credit map[string]int64) error {
	got, have := make([]int64, len(l.want.Customers)), make([]int64, len(l.want.Customers))
	err := l.each(ctx, len(got), func(ctx context.Context, n int) (err error) {
		got[n], have[n], err = l.balance(ctx, l.contacts[l.want.Customers[n].ID])
		return err
	})
	if err != nil {
		return err
	}
	for n, c := range l.want.Customers {
		wrong := ""
		if got[n] != want[c.ID] {
			wrong = fmt.Sprintf("%s on %s: %s, not %s", c.ID, today, dollars(got[n]), dollars(want[c.ID]))
		}
		if have[n] != credit[c.ID] {
			wrong = fmt.Sprintf("%s on %s: %s in credit, not %s", c.ID, today, dollars(have[n]), dollars(credit[c.ID]))
		}
		l.owed.add(wrong)
	}
	return nil
}

// actual is everything that the API tells at the end.
type actual struct {
	invoices []invoice
	payments []payment
	customer map[string]string // contact → customer
	byID     map[string]invoice
	paidOn   map[string]string // invoice → the day its last payment was received
}

func (l *life) readAll(ctx context.Context) (*actual, error) {
	a := &actual{customer: map[string]string{}, byID: map[string]invoice{}, paidOn: map[string]string{}}
	contacts, err := drive.List[struct {
		ID          string
		ExternalIDs map[string]string
	}](ctx, l.Client, "/v1/contacts")
	if err != nil {
		return nil, err
	}
	for _, c := range contacts {
		a.customer[c.ID] = c.ExternalIDs["ibm"]
	}
	if a.invoices, err = drive.List[invoice](ctx, l.Client, "/v1/invoices"); err != nil {
		return nil, err
	}
	if a.payments, err = drive.List[payment](ctx, l.Client, "/v1/payments"); err != nil {
		return nil, err
	}
	for _, i := range a.invoices {
		a.byID[i.ID] = i
	}
	for _, p := range a.payments {
		for _, x := range p.Allocations {
			a.paidOn[x.InvoiceID] = max(a.paidOn[x.InvoiceID], p.ReceivedOn)
		}
	}
	return a, nil
}

// late reports whether an invoice was paid after its last day.
func (a *actual) late(i invoice) bool { return a.paidOn[i.ID] > i.DueOn }

// check reads everything back and compares it.
func (l *life) check(ctx context.Context, every int) error {
	a, err := l.readAll(ctx)
	if err != nil {
		return err
	}
	l.checkTotals(a)
	l.checkMonths(a)
	l.checkReceivables(a)
	if err := l.checkDocuments(ctx, a, every); err != nil {
		return err
	}
	if err := l.checkRecord(ctx); err != nil {
		return err
	}
	return l.checkCustomers(ctx, a)
}

func (l *life) checkTotals(a *actual) {
	var billed, paid, wantBilled, wantPaid int64
	years := map[string][]string{}
	payers := map[string]bool{}
	late, wantLate, wantPayers, wantPayments := 0, 0, 0, 0
	for _, i := range a.invoices {
		billed += i.Total
		year, _, _ := strings.Cut(i.Number, "-")
		years[year] = append(years[year], i.Number)
		if a.late(i) {
			late++
			payers[i.ContactID] = true
		}
	}
	for _, p := range a.payments {
		paid += p.Amount
	}
	for _, c := range l.want.Customers {
		wantBilled += c.Billed
		wantPaid += c.Paid
		wantLate += c.Late
		wantPayments += c.Payments
		if c.Late > 0 {
			wantPayers++
		}
	}
	l.report.section("Totals")
	l.report.add("customers", len(l.want.Customers), len(a.customer))
	l.report.add("invoices", len(l.want.Receivables), len(a.invoices))
	l.report.add("payments", wantPayments, len(a.payments))
	l.report.add("billed", dollars(wantBilled), dollars(billed))
	l.report.add("paid", dollars(wantPaid), dollars(paid))
	l.report.add("late receivables", wantLate, late)
	l.report.add("late payers", wantPayers, len(payers))
	for _, year := range sorted(l.want.Numbers) {
		n := l.want.Numbers[year]
		want := fmt.Sprintf("%d: %s-0001 to %s-%04d without a gap", n, year, year, n)
		l.report.add("numbers of "+year, want, series(year, years[year]))
	}
}

// series says in words whether numbers are a series without a gap.
func series(year string, numbers []string) string {
	slices.Sort(numbers)
	for n, have := range numbers {
		if want := fmt.Sprintf("%s-%04d", year, n+1); have != want {
			return fmt.Sprintf("%d: %s stands where %s belongs", len(numbers), have, want)
		}
	}
	if len(numbers) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d: %s to %s without a gap", len(numbers), numbers[0], numbers[len(numbers)-1])
}

func (l *life) checkMonths(a *actual) {
	billed, paid := map[string]int64{}, map[string]int64{}
	for _, i := range a.invoices {
		billed[monthOf(i.IssuedOn)] += i.Total
	}
	for _, p := range a.payments {
		paid[monthOf(p.ReceivedOn)] += p.Amount
	}
	l.report.section("Months")
	for _, m := range l.want.Months {
		l.report.add("billed in "+m.Month, dollars(m.Billed), dollars(billed[m.Month]))
		l.report.add("paid in "+m.Month, dollars(m.Paid), dollars(paid[m.Month]))
		delete(billed, m.Month)
		delete(paid, m.Month)
	}
	l.report.add("other months", 0, len(billed)+len(paid))
}

func monthOf(date string) string { return date[:min(len(date), len("2006-01"))] }

// checkReceivables compares each receivable in all that was said of it.
func (l *life) checkReceivables(a *actual) {
	bySource := map[string]invoice{}
	for _, i := range a.invoices {
		bySource[i.source()] = i
	}
	var rows tally
	for _, w := range l.want.Receivables {
		i := bySource[w.Source]
		want := fmt.Sprintf("%s of %s over %s, issued %s, due %s, paid %s, late %t", w.Number, w.Customer, dollars(w.Amount), w.IssuedOn, w.DueOn, w.PaidOn, w.Late)
		got := fmt.Sprintf("%s of %s over %s, issued %s, due %s, paid %s, late %t", i.Number, a.customer[i.ContactID], dollars(i.Total), i.IssuedOn, i.DueOn, a.paidOn[i.ID], a.late(i))
		wrong := ""
		switch {
		case got != want:
			wrong = fmt.Sprintf("%s is %s, not %s", w.Source, got, want)
		case iso(i.PaidAt.In(l.place)) != w.PaidOn:
			wrong = fmt.Sprintf("%s was paid at %s, not on %s", w.Source, i.PaidAt.In(l.place), w.PaidOn)
		case i.Status != "paid" || i.Due != 0 || i.Paid != i.Total || i.TaxTotal != 0 || i.Currency != "USD":
			wrong = fmt.Sprintf("%s is %s with %s of %s %s paid and tax %s", w.Source, i.Status, dollars(i.Paid), dollars(i.Total), i.Currency, dollars(i.TaxTotal))
		}
		rows.add(wrong)
	}
	var payments tally
	for _, p := range a.payments {
		wrong := ""
		if p.Status != "succeeded" || p.Currency != "USD" || len(p.Allocations) != 1 || p.Allocations[0].Amount+p.Credit != p.Amount ||
			a.byID[p.Allocations[0].InvoiceID].ContactID != p.ContactID {
			wrong = fmt.Sprintf("%s is %s over %s %s", p.ID, p.Status, dollars(p.Amount), p.Currency)
		}
		payments.add(wrong)
	}
	l.report.section("One by one")
	l.report.add("receivables: number, customer, amount, days", rows.of(), &rows)
	l.report.add("payments: each to one invoice of its customer", payments.of(), &payments)
	l.report.add("days: which are listed as and called overdue", l.overdue.of(), &l.overdue)
	l.report.add("balances of each customer at each month's end", l.owed.of(), &l.owed)
}

// checkCustomers compares each customer's figures: what was billed and paid, from the lists, and the balance that the
// contact itself shows.
func (l *life) checkCustomers(ctx context.Context, a *actual) error {
	got := map[string]*customerFigures{}
	for _, name := range a.customer {
		got[name] = &customerFigures{ID: name}
	}
	for _, i := range a.invoices {
		c := got[a.customer[i.ContactID]]
		c.Invoices++
		c.Billed += i.Total
		if a.late(i) {
			c.Late++
		}
	}
	for _, p := range a.payments {
		got[a.customer[p.ContactID]].Paid += p.Amount
	}
	l.report.section("Customers: invoices, billed, paid, balance, paid late")
	for _, w := range l.want.Customers {
		c := got[w.ID]
		if c == nil {
			l.report.add(w.ID, w.words(), "unknown")
			continue
		}
		due, credit, err := l.balance(ctx, l.contacts[w.ID])
		if err != nil {
			return err
		}
		c.Balance = due - credit
		l.report.add(w.ID, w.words(), c.words())
	}
	return nil
}

func (c customerFigures) words() string {
	return fmt.Sprintf("%d / %s / %s / %s / %d", c.Invoices, dollars(c.Billed), dollars(c.Paid), dollars(c.Balance), c.Late)
}

func sorted[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
