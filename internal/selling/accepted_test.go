package selling_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"onebook/internal/activity"
	"onebook/internal/billing"
	"onebook/internal/effect"
	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/issue"
	"onebook/internal/order"
	"onebook/internal/org"
	"onebook/internal/rig"
	"onebook/internal/store"
	"onebook/internal/totals"
)

// What was set when the client said yes happens by itself, as an automation and once: nothing, a draft, an issued
// invoice, a sent one; over the whole, or over the deposit that was set.
func TestOnAcceptance(t *testing.T) {
	for _, c := range []struct {
		do, deposit string
		invoices    int
		state       invoice.State
		total       int64
		letters     int
	}{
		{"", "", 0, "", 0, 0},
		{org.AcceptNothing, "40", 0, "", 0, 0},
		{org.AcceptDraft, "", 1, invoice.Draft, 11900, 0},
		{org.AcceptIssue, "", 1, invoice.Open, 11900, 0},
		{org.AcceptSend, "", 1, invoice.Open, 11900, 1},
		{org.AcceptDraft, "40", 1, invoice.Draft, 4760, 0},
		{org.AcceptSend, "40", 1, invoice.Open, 4760, 1},
	} {
		t.Run(c.do+c.deposit, func(t *testing.T) {
			r, contact := shop(t)
			r.Settings(func(s *org.Settings) {
				if s.OnAcceptance = c.do; c.deposit != "" {
					s.AcceptanceDeposit = rig.Dec(c.deposit)
				}
			})
			e := r.Offer(contact, rig.Lines("100.00"))
			r.Drain()
			before := len(r.Mail.Sent())
			for range 2 {
				if _, err := r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, "Ada"); err != nil {
					t.Fatal(err)
				}
			}
			// What is switched off afterwards does not undo what was agreed under it.
			r.Settings(func(s *org.Settings) { s.OnAcceptance = org.AcceptNothing })
			for range 3 {
				r.Clock.Move(time.Minute)
				r.Sweep()
			}
			e = r.GetEstimate(e.ID)
			if len(e.InvoiceIDs) != c.invoices {
				t.Fatalf("%d invoices", len(e.InvoiceIDs))
			}
			if n := len(r.Mail.Sent()) - before; n != c.letters {
				t.Errorf("%d letters", n)
			}
			if open := r.Issues(issue.Open); len(open) != 0 {
				t.Errorf("issues %v", open)
			}
			if c.invoices == 0 {
				return
			}
			i := r.GetInvoice(e.InvoiceIDs[0])
			if i.State != c.state || i.Body.Totals.Total != c.total || (i.Share == invoice.Deposit) != (c.deposit != "") {
				t.Errorf("%s %s over %d", i.State, i.Share, i.Body.Totals.Total)
			}
			for _, x := range r.Entries(contact) {
				if strings.HasPrefix(x.Kind, "estimate.converted") || strings.HasPrefix(x.Kind, "invoice.") {
					if x.By.Kind != activity.Automation || x.By.Name != "On acceptance" {
						t.Errorf("%s was done by %+v", x.Kind, x.By)
					}
				}
			}
		})
	}
}

// An acceptance stands whatever comes after it; what cannot be done is an issue that a person mends and tries again.
func TestOnAcceptanceThatFails(t *testing.T) {
	r, contact := shop(t)
	r.Settings(func(s *org.Settings) { s.OnAcceptance = org.AcceptIssue })
	e := r.Offer(contact, rig.Lines("100.00"))
	r.Tax(org.TaxRule{TaxClass: "standard", Category: "S", Rate: rig.Dec("21"), From: rig.Day("2026-01-06")})
	r.Clock.Move(24 * time.Hour)
	if _, err := r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, "Ada"); err != nil {
		t.Fatal(err)
	}
	r.Sweep()
	if e = r.GetEstimate(e.ID); e.State != estimate.Accepted || len(e.InvoiceIDs) != 1 || r.GetInvoice(e.InvoiceIDs[0]).State != invoice.Draft {
		t.Errorf("%+v", e)
	}
	open, _, err := r.Desk.List(r.Ctx, issue.Open, 10, "")
	if err != nil || len(open) != 1 || open[0].Code != "book.accepted.failed" || !strings.Contains(open[0].Detail, "tax") || open[0].ContactID != contact {
		t.Fatalf("%+v %v", open, err)
	}
	i := r.GetInvoice(e.InvoiceIDs[0])
	in := i.Body.Input()
	in.Lines[0].Tax = &totals.Tax{Category: "S", Rate: rig.Dec("19")}
	if _, err := r.Billing.Update(r.Ctx, rig.Owner, i.ID, i.Version(), billing.Input{Body: in}); err != nil {
		t.Fatal(err)
	}
	again := func(ctx context.Context, i issue.Issue) ([]store.Op, error) {
		op, err := effect.Again(ctx, r.Table, i.Effect, r.Clock.Now())
		return []store.Op{op}, err
	}
	if err := r.Desk.Retry(r.Ctx, rig.Owner, open[0].ID, "", again); err != nil {
		t.Fatal(err)
	}
	r.Sweep()
	if i = r.GetInvoice(i.ID); i.State != invoice.Open || len(r.Issues(issue.Open)) != 0 {
		t.Errorf("after it was mended: %s, issues %v", i.State, r.Issues(issue.Open))
	}
}

// A person who was faster keeps what he made: his draft is neither issued nor sent behind his back.
func TestOnAcceptanceLeavesAPersonsOrder(t *testing.T) {
	r, contact := shop(t)
	r.Settings(func(s *org.Settings) { s.OnAcceptance = org.AcceptSend })
	e := r.Offer(contact, rig.Lines("100.00"))
	if _, err := r.Selling.Accept(r.Ctx, rig.Owner, e.ID, "Ada"); err != nil {
		t.Fatal(err)
	}
	made, err := r.Selling.Convert(r.Ctx, rig.Owner, e.ID, order.Schedule{})
	if err != nil {
		t.Fatal(err)
	}
	r.Sweep()
	if i := r.GetInvoice(made.InvoiceIDs[0]); i.State != invoice.Draft || len(r.Issues(issue.Open)) != 0 {
		t.Errorf("%s, issues %v", i.State, r.Issues(issue.Open))
	}
}

// Where its word of success was lost it is done again, and changes nothing: one order, one invoice, one letter.
func TestOnAcceptanceTwice(t *testing.T) {
	for _, deposit := range []string{"", "40"} {
		r, contact := shop(t)
		e := r.Offer(contact, rig.Lines("100.00"))
		r.Drain()
		if _, err := r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, "Ada"); err != nil {
			t.Fatal(err)
		}
		handle := r.Selling.Accepted(r.Billing)
		ef := effect.Effect{Subject: e.ID, Args: map[string]string{"do": org.AcceptSend, "deposit": deposit}}
		for n := range 3 {
			plan, err := handle(r.Ctx, ef)
			if err != nil {
				t.Fatal(err)
			}
			if plan.Skip == "" {
				if _, err := plan.Call(r.Ctx); err != nil {
					t.Fatal(err)
				}
			}
			if n > 0 && deposit == "" && plan.Skip == "" {
				t.Error("what is invoiced was taken up again")
			}
			r.Drain()
		}
		if got := r.Kinds(contact); count(got, "estimate.converted") != 1 || count(got, "invoice.issued") != 1 || count(got, "invoice.sent") != 0 || len(r.Mail.Sent()) != 2 {
			t.Errorf("%v, %d letters", got, len(r.Mail.Sent()))
		}
	}
}

// The settings tell who switched it on; only owner and billing may, and only to what there is.
func TestWhoSwitchedOnAcceptance(t *testing.T) {
	r, _ := shop(t)
	set := func(s *org.Settings) { s.OnAcceptance = org.AcceptSend }
	if got := r.Settings(set); got.OnAcceptanceBy == nil || got.OnAcceptanceBy.MemberID != rig.Owner.ID || !got.OnAcceptanceBy.At.Equal(rig.Begin) {
		t.Errorf("%+v", got.OnAcceptanceBy)
	}
	r.Clock.Move(time.Hour)
	if got := r.Settings(func(s *org.Settings) { s.Footer = "x" }); got.OnAcceptanceBy == nil || !got.OnAcceptanceBy.At.Equal(rig.Begin) {
		t.Errorf("another change moved it: %+v", got.OnAcceptanceBy)
	}
	now, err := r.Org.Get(r.Ctx)
	if err != nil {
		t.Fatal(err)
	}
	now.OnAcceptance = org.AcceptDraft
	if _, err := r.Org.Update(r.Ctx, rig.As("admin"), now.Version(), now); !errors.Is(err, fault.Denied) {
		t.Errorf("by admin: %v", err)
	}
	now.OnAcceptance = "shred"
	if _, err := r.Org.Update(r.Ctx, rig.Owner, now.Version(), now); !errors.Is(err, fault.Invalid) {
		t.Errorf("shred: %v", err)
	}
	now.OnAcceptance, now.AcceptanceDeposit = org.AcceptDraft, rig.Dec("101")
	if _, err := r.Org.Update(r.Ctx, rig.Owner, now.Version(), now); !errors.Is(err, fault.Invalid) {
		t.Errorf("more than all: %v", err)
	}
	if got := r.Settings(func(s *org.Settings) { s.OnAcceptance = org.AcceptNothing }); got.OnAcceptanceBy != nil {
		t.Errorf("switched off it still names %+v", got.OnAcceptanceBy)
	}
}
