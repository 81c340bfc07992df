package billing_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onebook/internal/billing"
	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/rig"
)

func parts(xs ...any) []invoice.Instalment {
	var out []invoice.Instalment
	for n := 0; n < len(xs); n += 2 {
		out = append(out, invoice.Instalment{Amount: int64(xs[n].(int)), DueOn: rig.Day(xs[n+1].(string))})
	}
	return out
}

// An invoice in instalments is overdue by the oldest unpaid one, and what comes in pays the oldest first.
func TestInstalments(t *testing.T) {
	r, c := shop(t)
	in := billing.Input{ContactID: c, Body: rig.Lines("100.00"), Instalments: parts(4000, "2026-01-10", 4000, "2026-02-10", 3900, "2026-03-10")}
	i, err := r.Billing.Create(r.Ctx, rig.Owner, in)
	if err != nil {
		t.Fatal(err)
	}
	i = r.Issue(i.ID)
	if i.DueOn != rig.Day("2026-03-10") || i.NextDue() != rig.Day("2026-01-10") {
		t.Errorf("due on %s, next %s", i.DueOn, i.NextDue())
	}
	for _, x := range []struct {
		pay  int64
		next string
		rest []int64
	}{
		{0, "2026-01-10", []int64{4000, 4000, 3900}},
		{3000, "2026-01-10", []int64{1000, 4000, 3900}},
		{1000, "2026-02-10", []int64{0, 4000, 3900}},
		{5000, "2026-03-10", []int64{0, 0, 2900}},
		{2900, "2026-03-10", []int64{0, 0, 0}},
	} {
		if x.pay > 0 {
			r.Cash(i.ID, x.pay)
		}
		i = r.GetInvoice(i.ID)
		var rest []int64
		for _, p := range i.Parts() {
			rest = append(rest, p.Due)
			if p.Paid+p.Due != p.Amount {
				t.Errorf("%d paid and %d due of %d", p.Paid, p.Due, p.Amount)
			}
		}
		if d := cmp.Diff(x.rest, rest); d != "" || i.NextDue() != rig.Day(x.next) {
			t.Errorf("after %d: next %s %s", x.pay, i.NextDue(), d)
		}
		next := rig.Day(x.next)
		if i.Overdue(next) || i.Overdue(next.AddDays(1)) != (i.Due() > 0) {
			t.Errorf("after %d: overdue on %s is %v, the day after %v", x.pay, next, i.Overdue(next), i.Overdue(next.AddDays(1)))
		}
		found, _, err := invoice.List(r.Ctx, r.Table, invoice.Filter{State: invoice.Open, Overdue: true, Today: next.AddDays(1)}, 10, "")
		if err != nil || len(found) != min(1, int(i.Due())) {
			t.Errorf("after %d: %d in the list of what is overdue, %v", x.pay, len(found), err)
		}
	}
}

// Instalments add up to what is payable, each on a later day; they stand in place of a due date.
func TestWrongInstalments(t *testing.T) {
	r, c := shop(t)
	seven := 7
	for what, x := range map[string]struct {
		field string
		in    billing.Input
	}{
		"too little":    {"instalments", billing.Input{Instalments: parts(4000, "2026-01-10", 7899, "2026-02-10")}},
		"too much":      {"instalments", billing.Input{Instalments: parts(4000, "2026-01-10", 7901, "2026-02-10")}},
		"one day twice": {"instalments[1].dueOn", billing.Input{Instalments: parts(4000, "2026-01-10", 7900, "2026-01-10")}},
		"backwards":     {"instalments[1].dueOn", billing.Input{Instalments: parts(4000, "2026-02-10", 7900, "2026-01-10")}},
		"nothing":       {"instalments[0].amount", billing.Input{Instalments: parts(0, "2026-01-10", 11900, "2026-02-10")}},
		"one":           {"instalments", billing.Input{Instalments: parts(11900, "2026-01-10")}},
		"and a date":    {"instalments", billing.Input{DueOn: rig.Day("2026-02-10"), Instalments: parts(4000, "2026-01-10", 7900, "2026-02-10")}},
		"and days":      {"instalments", billing.Input{DueDays: &seven, Instalments: parts(4000, "2026-01-10", 7900, "2026-02-10")}},
		"far away":      {"instalments", billing.Input{Instalments: []invoice.Instalment{{Amount: 4000, DueOn: rig.Day("2026-01-10")}, {Amount: 7900, DueOn: civil.Date{Year: 2040, Month: 1, Day: 1}}}}},
	} {
		x.in.ContactID, x.in.Body = c, rig.Lines("100.00")
		_, err := r.Billing.Create(r.Ctx, rig.Owner, x.in)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || len(f.Fields) == 0 || f.Fields[0].Field != x.field {
			t.Errorf("%s: %v", what, err)
		}
	}
	late := billing.Input{ContactID: c, Body: rig.Lines("100.00"), Instalments: parts(4000, "2026-01-04", 7900, "2026-02-10")}
	i, err := r.Billing.Create(r.Ctx, rig.Owner, late)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Billing.Issue(r.Ctx, rig.Owner, i.ID); !errors.Is(err, fault.Unready) {
		t.Errorf("the first is due before the day of issue: %v", err)
	}
}
