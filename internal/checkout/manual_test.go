package checkout_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onebook/internal/activity"
	"onebook/internal/checkout"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/issue"
	"onebook/internal/payment"
	"onebook/internal/rig"
)

func ledger(r *rig.Rig, contactID, kind string) []activity.Posting {
	var out []activity.Posting
	for _, e := range r.Entries(contactID) {
		if e.Kind == kind {
			for _, p := range e.Postings {
				p.Ref = ""
				out = append(out, p)
			}
		}
	}
	return out
}

// A payment by hand settles what is due in parts; what is more than due becomes credit, never a negative invoice.
func TestManualPartWholeOver(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	c := r.Contact("Ada Lovelace", "ada@client.example")
	i := r.Invoice(c.ID, rig.Lines("100.00")) // 119.00
	r.Cash(i.ID, 4000)
	if got := r.GetInvoice(i.ID); got.State != invoice.Open || got.Due() != 7900 || got.Display(got.IssuedOn, invoice.Track{}) != "partially paid" {
		t.Errorf("after a part it is %s with %d due", got.State, got.Due())
	}
	if b := r.Head(c.ID, "EUR"); b.Due != 7900 || b.Credit != 0 {
		t.Errorf("the balance is %+v", b)
	}
	r.Clock.Move(time.Hour)
	over := r.Cash(i.ID, 10000)
	got := r.GetInvoice(i.ID)
	if got.State != invoice.Paid || got.Due() != 0 || !got.PaidAt.Equal(r.Clock.Now()) {
		t.Errorf("after all it is %s with %d due, paid at %v", got.State, got.Due(), got.PaidAt)
	}
	if over.Credit != 2100 || len(over.Allocations) != 1 || over.Allocations[0].Amount != 7900 {
		t.Errorf("the payment went to %+v with %d of credit", over.Allocations, over.Credit)
	}
	late := r.Cash(i.ID, 500) // a paid invoice takes nothing, and the money is not lost
	if late.Credit != 500 || late.Allocations != nil {
		t.Errorf("the late payment went to %+v with %d of credit", late.Allocations, late.Credit)
	}
	if b := r.Head(c.ID, "EUR"); b.Due != 0 || b.Credit != 2600 {
		t.Errorf("the balance is %+v", b)
	}
	want := []activity.Posting{
		rig.Post("cash", 4000), rig.Post("receivable", -4000),
		rig.Post("cash", 10000), rig.Post("receivable", -7900), rig.Post("customer-credit", -2100),
		rig.Post("cash", 500), rig.Post("customer-credit", -500),
	}
	if d := cmp.Diff(want, ledger(r, c.ID, "payment.recorded")); d != "" {
		t.Error(d)
	}
	if got := r.Issues(issue.Open); len(got) != 0 {
		t.Errorf("open issues %v: a person who types more than is due sees what became of it", got)
	}
}

// Where the money lies depends on how it came.
func TestManualMethods(t *testing.T) {
	for method, account := range map[string]activity.Account{
		payment.ByCash: "cash", payment.ByTransfer: "bank", payment.ByCheck: "bank", payment.ByOther: "bank",
	} {
		t.Run(method, func(t *testing.T) {
			r := rig.New(t)
			r.Organise()
			c := r.Contact("Ada", "")
			i := r.Invoice(c.ID, rig.Lines("100.00"))
			p, err := r.Checkout.Manual(r.Ctx, rig.Owner, checkout.ManualInput{
				InvoiceID: i.ID, Amount: 11900, Method: method, ReceivedOn: rig.Day("2025-12-30"), Reference: "  statement 7 ",
			})
			if err != nil {
				t.Fatal(err)
			}
			if p.Reference != "statement 7" || p.ReceivedOn != rig.Day("2025-12-30") || p.State != payment.Succeeded {
				t.Errorf("%+v", p)
			}
			if d := cmp.Diff([]activity.Posting{rig.Post(account, 11900), rig.Post("receivable", -11900)}, ledger(r, c.ID, "payment.recorded")); d != "" {
				t.Error(d)
			}
			for _, e := range r.Entries(c.ID) {
				if e.Kind == "payment.recorded" && e.On != "2025-12-30" {
					t.Errorf("the money is booked on %s, not on the day it came", e.On)
				}
			}
		})
	}
}

// What cannot be is refused with the field's name, and nothing is written.
func TestManualRefusals(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	c := r.Contact("Ada", "")
	i := r.Invoice(c.ID, rig.Lines("100.00"))
	draft := r.Draft(c.ID, rig.Lines("1.00"))
	gone := r.Invoice(c.ID, rig.Lines("2.00"))
	if _, err := r.Billing.Void(r.Ctx, rig.Owner, gone.ID, "wrong client"); err != nil {
		t.Fatal(err)
	}
	before := len(r.Entries(c.ID))
	for _, x := range []struct {
		name, fields string
		kind         fault.Kind
		in           checkout.ManualInput
	}{
		{"nothing", "amount", fault.Invalid, checkout.ManualInput{InvoiceID: i.ID, Method: "cash"}},
		{"less than nothing", "amount", fault.Invalid, checkout.ManualInput{InvoiceID: i.ID, Amount: -1, Method: "cash"}},
		{"more than there is", "amount", fault.Invalid, checkout.ManualInput{InvoiceID: i.ID, Amount: 1 << 60, Method: "cash"}},
		{"no such way, and tomorrow", "method receivedOn", fault.Invalid, checkout.ManualInput{InvoiceID: i.ID, Amount: 1, Method: "shells", ReceivedOn: rig.Day("2026-01-06")}},
		{"a long reference", "reference", fault.Invalid, checkout.ManualInput{InvoiceID: i.ID, Amount: 1, Method: "cash", Reference: strings.Repeat("x", 201)}},
		{"a draft", "", fault.Unready, checkout.ManualInput{InvoiceID: draft.ID, Amount: 1, Method: "cash"}},
		{"a void one", "", fault.Unready, checkout.ManualInput{InvoiceID: gone.ID, Amount: 1, Method: "cash"}},
		{"none", "", fault.NotFound, checkout.ManualInput{InvoiceID: "in_nothing", Amount: 1, Method: "cash"}},
	} {
		_, err := r.Checkout.Manual(r.Ctx, rig.Owner, x.in)
		if fault.KindOf(err) != x.kind || fieldsOf(err) != x.fields {
			t.Errorf("%s: %v (%s)", x.name, err, fieldsOf(err))
		}
	}
	if n := len(r.Entries(c.ID)); n != before {
		t.Errorf("refusals wrote %d entries", n-before)
	}
}

func fieldsOf(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return ""
	}
	var out []string
	for _, x := range f.Fields {
		out = append(out, x.Field)
	}
	return strings.Join(out, " ")
}
