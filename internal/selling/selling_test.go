package selling_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"onebook/internal/activity"
	"onebook/internal/billing"
	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/member"
	"onebook/internal/order"
	"onebook/internal/org"
	"onebook/internal/rig"
	"onebook/internal/sale"
	"onebook/internal/selling"
	"onebook/internal/totals"
)

func shop(t *testing.T) (*rig.Rig, string) {
	r := rig.New(t)
	r.Organise()
	return r, r.Contact("Ada Lovelace", "ada@client.example").ID
}

func count(kinds []string, kind string) int {
	n := 0
	for _, k := range kinds {
		if k == kind {
			n++
		}
	}
	return n
}

// An offer is accepted exactly once, by whoever says yes first; a second yes changes nothing and is no error.
func TestAcceptOnce(t *testing.T) {
	r, c := shop(t)
	e := r.Offer(c, rig.Lines("100.00"))
	client := rig.Client(e.LinkID)
	first, err := r.Selling.Accept(r.Ctx, client, e.ID, "  Ada Lovelace ")
	if err != nil {
		t.Fatal(err)
	}
	if first.State != estimate.Accepted || first.Answer.Name != "Ada Lovelace" || first.Answer.By != "client:"+e.LinkID || len(first.Answer.Hash) != 64 {
		t.Errorf("%s %+v", first.State, first.Answer)
	}
	r.Clock.Move(time.Hour)
	again, err := r.Selling.Accept(r.Ctx, client, e.ID, "Somebody Else")
	if err != nil || cmp.Diff(first.Answer, again.Answer) != "" {
		t.Errorf("the second yes: %v %+v", err, again.Answer)
	}
	if _, err := r.Selling.Decline(r.Ctx, client, e.ID, "Ada", "too late"); !errors.Is(err, fault.Unready) {
		t.Errorf("a no after the yes: %v", err)
	}
	if n := count(r.Kinds(c), "estimate.accepted"); n != 1 {
		t.Errorf("%d acceptances in the history", n)
	}
}

// Thirty-two say yes at the same moment: one of them is written, all of them are told that it is accepted.
func TestAcceptAtOnce(t *testing.T) {
	r, c := shop(t)
	e := r.Offer(c, rig.Lines("100.00"))
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			got, err := r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, "Ada")
			if err != nil || got.State != estimate.Accepted {
				t.Errorf("%s %v", got.State, err)
			}
		})
	}
	wg.Wait()
	if n := count(r.Kinds(c), "estimate.accepted"); n != 1 {
		t.Errorf("%d acceptances", n)
	}
}

// A no is final, keeps its reason, and comes once.
func TestDecline(t *testing.T) {
	r, c := shop(t)
	e := r.Offer(c, rig.Lines("100.00"))
	for range 2 {
		got, err := r.Selling.Decline(r.Ctx, rig.Client(e.LinkID), e.ID, "", "too dear")
		if err != nil || got.State != estimate.Declined || got.Answer.Reason != "too dear" {
			t.Fatal(got.State, err)
		}
	}
	if _, err := r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, "Ada"); !errors.Is(err, fault.Unready) {
		t.Errorf("a yes after the no: %v", err)
	}
	if n := count(r.Kinds(c), "estimate.declined"); n != 1 {
		t.Errorf("%d refusals", n)
	}
}

// An answer needs a name, has limits, and is given through the offer's own link.
func TestAnswerRefusals(t *testing.T) {
	r, c := shop(t)
	e, other := r.Offer(c, rig.Lines("100.00")), r.Offer(c, rig.Lines("5.00"))
	draft := r.Estimate(c, rig.Lines("1.00"))
	for _, x := range []struct {
		what string
		err  error
		kind fault.Kind
	}{
		{"no name", second(r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, " ")), fault.Invalid},
		{"a long name", second(r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, strings.Repeat("x", 201))), fault.Invalid},
		{"a long reason", second(r.Selling.Decline(r.Ctx, rig.Client(e.LinkID), e.ID, "", strings.Repeat("x", 2001))), fault.Invalid},
		{"another offer's link", second(r.Selling.Accept(r.Ctx, rig.Client(other.LinkID), e.ID, "Ada")), fault.NotFound},
		{"no link", second(r.Selling.Accept(r.Ctx, activity.By{Kind: activity.Client}, e.ID, "Ada")), fault.NotFound},
		{"a viewer", second(r.Selling.Accept(r.Ctx, rig.As(member.Viewer), e.ID, "Ada")), fault.Denied},
		{"a draft", second(r.Selling.Accept(r.Ctx, rig.Owner, draft.ID, "Ada")), fault.Unready},
		{"none", second(r.Selling.Accept(r.Ctx, rig.Owner, "es_1", "Ada")), fault.NotFound},
		{"a look with another's link", r.Selling.View(r.Ctx, rig.Client(other.LinkID), e.ID), fault.NotFound},
	} {
		if fault.KindOf(x.err) != x.kind {
			t.Errorf("%s: %v", x.what, x.err)
		}
	}
	if got := r.GetEstimate(e.ID); got.State != estimate.Sent {
		t.Errorf("it is %s", got.State)
	}
}

func second[T any](_ T, err error) error { return err }

// An offer is good until its last day has ended where the organisation is, whatever the day is elsewhere.
func TestExpiryByZone(t *testing.T) {
	for _, x := range []struct {
		zone       string
		last, over string // the last moment it can be accepted, and the first at which it cannot
	}{
		{"Europe/Berlin", "2026-01-31T22:59:59Z", "2026-01-31T23:00:00Z"},
		{"Asia/Tokyo", "2026-01-31T14:59:59Z", "2026-01-31T15:00:00Z"},
		{"America/Los_Angeles", "2026-02-01T07:59:59Z", "2026-02-01T08:00:00Z"},
	} {
		t.Run(x.zone, func(t *testing.T) {
			r, c := shop(t)
			r.Settings(func(s *org.Settings) { s.TimeZone = x.zone })
			offer := func() estimate.Estimate {
				e, err := r.Selling.Create(r.Ctx, rig.Owner, selling.Input{ContactID: c, ValidUntil: rig.Day("2026-01-31"), Body: rig.Lines("100.00")})
				if err != nil {
					t.Fatal(err)
				}
				e, err = r.Selling.Send(r.Ctx, rig.Owner, e.ID)
				if err != nil {
					t.Fatal(err)
				}
				return e
			}
			in, out := offer(), offer()
			r.Clock.Set(at(t, x.last))
			r.Sweep()
			if got := r.GetEstimate(out.ID); got.State != estimate.Sent {
				t.Errorf("on its last day it is %s", got.State)
			}
			if _, err := r.Selling.Accept(r.Ctx, rig.Client(in.LinkID), in.ID, "Ada"); err != nil {
				t.Errorf("in its last second: %v", err)
			}
			r.Clock.Set(at(t, x.over))
			// Before the clock has come by as well as after it: the same answer.
			for range 2 {
				_, err := r.Selling.Accept(r.Ctx, rig.Client(out.LinkID), out.ID, "Ada")
				var f *fault.Error
				if !errors.As(err, &f) || f.Kind != fault.Unready || f.Code != "expired" {
					t.Errorf("a second later: %v", err)
				}
				r.Sweep()
			}
			if got := r.GetEstimate(out.ID); got.State != estimate.Expired {
				t.Errorf("afterwards it is %s", got.State)
			}
			if n := count(r.Kinds(c), "estimate.expired"); n != 1 {
				t.Errorf("it expired %d times", n)
			}
		})
	}
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A person's first look is noted once.
func TestViewOnce(t *testing.T) {
	r, c := shop(t)
	e := r.Offer(c, rig.Lines("100.00"))
	for range 3 {
		r.Clock.Move(time.Minute)
		if err := r.Selling.View(r.Ctx, rig.Client(e.LinkID), e.ID); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.GetEstimate(e.ID); got.State != estimate.Viewed || !got.ViewedAt.Equal(rig.Begin.Add(time.Minute)) {
		t.Errorf("%s, seen at %v", got.State, got.ViewedAt)
	}
	if n := count(r.Kinds(c), "estimate.viewed"); n != 1 {
		t.Errorf("noted %d times", n)
	}
}

// Sending again mails again, but numbers once and offers the same; a second click within a minute mails nothing.
func TestSendTwice(t *testing.T) {
	r, c := shop(t)
	e := r.Offer(c, rig.Lines("100.00"))
	r.Clock.Move(59 * time.Second)
	if _, err := r.Selling.Send(r.Ctx, rig.Owner, e.ID); err != nil {
		t.Fatal(err)
	}
	r.Drain()
	if n := len(r.Mail.Sent()); n != 1 {
		t.Errorf("a second click mails %d letters", n)
	}
	r.Clock.Move(time.Second)
	again, err := r.Selling.Send(r.Ctx, rig.Owner, e.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.Drain()
	if e.Number != "E-0001" || again.Number != e.Number || again.LinkID != e.LinkID {
		t.Errorf("numbers %s and %s", e.Number, again.Number)
	}
	sent := r.Mail.Sent()
	if len(sent) != 2 || sent[0].Text != sent[1].Text || sent[0].To.Address != "ada@client.example" {
		t.Errorf("%d letters: %+v", len(sent), sent)
	}
	if next := r.Offer(c, rig.Lines("1.00")); next.Number != "E-0002" {
		t.Errorf("the next number is %s", next.Number)
	}
}

// Nothing is sent to nobody, for a day that has passed, or after the answer; and then no number is taken.
func TestSendRefusals(t *testing.T) {
	r, c := shop(t)
	mute := r.Estimate(r.Contact("No Mail", "").ID, rig.Lines("1.00"))
	_, err := r.Selling.Send(r.Ctx, rig.Owner, mute.ID)
	if !errors.Is(err, fault.Unready) {
		t.Errorf("to nobody: %v", err)
	}
	late := r.Estimate(c, rig.Lines("1.00"))
	done := r.Offer(c, rig.Lines("2.00"))
	if done.Number != "E-0001" {
		t.Errorf("a refusal took a number: %s", done.Number)
	}
	if _, err := r.Selling.Accept(r.Ctx, rig.Owner, done.ID, "Ada"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Selling.Send(r.Ctx, rig.Owner, done.ID); !errors.Is(err, fault.Unready) {
		t.Errorf("after the answer: %v", err)
	}
	r.Clock.Move(31 * 24 * time.Hour)
	if _, err := r.Selling.Send(r.Ctx, rig.Owner, late.ID); !errors.Is(err, fault.Unready) {
		t.Errorf("after its last day: %v", err)
	}
	r.Drain()
	if n := len(r.Mail.Sent()); n != 0 { // the offer was answered before the post came by
		t.Errorf("%d letters", n)
	}
}

// rich is a document with everything on it: two rates, exempt, discounts, allowances, charges, a period.
func rich() sale.Input {
	in := sale.Input{
		Lines: []sale.LineInput{
			{Name: "Design", Quantity: rig.Dec("2.5"), Unit: "hour", UnitPrice: rig.Dec("99.99"), TaxClass: "standard", Discount: &totals.Discount{Percent: rig.Dec("3")}},
			{Name: "Book", Quantity: rig.Dec("3"), Unit: "each", UnitPrice: rig.Dec("16.79"), TaxClass: "reduced",
				ServiceFrom: rig.Day("2026-01-01"), ServiceTo: rig.Day("2026-01-31"), Charges: []totals.Allowance{{Amount: rig.Dec("1.05"), Reason: "postage"}}},
			{Name: "Lesson", Quantity: rig.Dec("1"), UnitPrice: rig.Dec("33.33"), TaxClass: "lessons"},
			{Name: "Ladder", Quantity: rig.Dec("1"), UnitPrice: rig.Dec("10"), Taxes: []totals.Tax{{Category: "S", Rate: rig.Dec("5.5")}}},
		},
		Discount: &totals.Discount{Percent: rig.Dec("7")}, Notes: "Thank you.",
	}
	return in
}

// An accepted estimate becomes an order and a draft with the same names, lines, prices and totals, to the cent.
func TestConvert(t *testing.T) {
	r, c := shop(t)
	e := r.Offer(c, rich())
	if _, err := r.Selling.Convert(r.Ctx, rig.Owner, e.ID, order.Schedule{}); !errors.Is(err, fault.Unready) {
		t.Errorf("an offer without a yes was converted: %v", err)
	}
	if _, err := r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, "Ada"); err != nil {
		t.Fatal(err)
	}
	first, err := r.Selling.Convert(r.Ctx, rig.As(member.Sales), e.ID, order.Schedule{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.Selling.Convert(r.Ctx, rig.Owner, e.ID, order.Schedule{})
	if d := cmp.Diff(first, again); d != "" || err != nil {
		t.Errorf("a second time: %v %s", err, d)
	}
	i, o := r.GetInvoice(first.InvoiceIDs[0]), r.GetOrder(first.OrderID)
	same := cmp.Options{cmpopts.IgnoreUnexported(sale.Body{}), cmp.Comparer(func(a, b sale.Line) bool { return cmp.Equal(a, b, decimals) }), decimals}
	if d := cmp.Diff(e.Body, i.Body, same); d != "" {
		t.Errorf("the invoice is not what was accepted: %s", d)
	}
	if d := cmp.Diff(e.Body, o.Body, same); d != "" {
		t.Errorf("the order is not what was accepted: %s", d)
	}
	if i.State != invoice.Draft || i.OrderID != o.ID || i.EstimateID != e.ID || o.Remaining() != e.Body.Totals.Total || o.State != order.Open {
		t.Errorf("invoice %+v, order %+v", i, o)
	}
	if _, err := r.Billing.Issue(r.Ctx, rig.As(member.Sales), i.ID); !errors.Is(err, fault.Denied) {
		t.Errorf("sales issued an invoice: %v", err)
	}
	i = r.Issue(i.ID)
	if o := r.GetOrder(o.ID); o.State != order.Billed || o.Remaining() != 0 {
		t.Errorf("the order is %s with %d to bill", o.State, o.Remaining())
	}
	if e := r.GetEstimate(e.ID); e.State != estimate.Invoiced {
		t.Errorf("the estimate is %s", e.State)
	}
	if got, err := r.Selling.Convert(r.Ctx, rig.Owner, e.ID, order.Schedule{}); err != nil || cmp.Diff(first, got) != "" {
		t.Errorf("a third time, invoiced: %v %+v", err, got)
	}
	if _, err := r.Billing.Void(r.Ctx, rig.Owner, i.ID, "wrong day"); err != nil {
		t.Fatal(err)
	}
	if o := r.GetOrder(o.ID); o.State != order.Open || o.Billed != 0 {
		t.Errorf("after the void the order is %s with %d billed", o.State, o.Billed)
	}
}

var decimals = cmp.Comparer(func(a, b interface{ String() string }) bool { return a.String() == b.String() })

// Many convert at once: one order, one draft, the same ids for all.
func TestConvertAtOnce(t *testing.T) {
	r, c := shop(t)
	e := r.Offer(c, rig.Lines("100.00"))
	if _, err := r.Selling.Accept(r.Ctx, rig.Owner, e.ID, "Ada"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	ids := make(chan string, 32)
	for range 32 {
		wg.Go(func() {
			got, err := r.Selling.Convert(r.Ctx, rig.Owner, e.ID, order.Schedule{})
			if err != nil {
				t.Error(err)
				return
			}
			ids <- got.OrderID + " " + strings.Join(got.InvoiceIDs, " ")
		})
	}
	wg.Wait()
	close(ids)
	seen := map[string]bool{}
	for x := range ids {
		seen[x] = true
	}
	orders, _, err := order.List(r.Ctx, r.Table, "", 100, "")
	if len(seen) != 1 || len(orders) != 1 || err != nil || count(r.Kinds(c), "estimate.converted") != 1 {
		t.Errorf("ids %v, %d orders %v", seen, len(orders), err)
	}
}

// What was accepted keeps its tax when the draft is edited; where the rate has changed since, issuing asks.
func TestAcceptedTaxIsKept(t *testing.T) {
	r, c := shop(t)
	e := r.Offer(c, rig.Lines("100.00"))
	if _, err := r.Selling.Accept(r.Ctx, rig.Owner, e.ID, "Ada"); err != nil {
		t.Fatal(err)
	}
	got, err := r.Selling.Convert(r.Ctx, rig.Owner, e.ID, order.Schedule{})
	if err != nil {
		t.Fatal(err)
	}
	r.Tax(org.TaxRule{TaxClass: "standard", Category: "S", Rate: rig.Dec("21"), From: rig.Day("2026-01-10")})
	r.Clock.Set(at(t, "2026-01-12T09:00:00Z"))
	i := r.GetInvoice(got.InvoiceIDs[0])
	in := i.Body.Input()
	in.Notes = "Thank you"
	i, err = r.Billing.Update(r.Ctx, rig.Owner, i.ID, i.Version(), billing.Input{Body: in})
	if err != nil || i.Body.Totals.Total != 11900 {
		t.Fatalf("after an edit it is over %d: %v", i.Body.Totals.Total, err)
	}
	_, err = r.Billing.Issue(r.Ctx, rig.Owner, i.ID)
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != "tax_changed" {
		t.Fatalf("issuing did not ask: %v", err)
	}
	in = i.Body.Input()
	in.Lines[0].Tax = &totals.Tax{Category: "S", Rate: rig.Dec("19")} // as it was agreed
	i, err = r.Billing.Update(r.Ctx, rig.Owner, i.ID, i.Version(), billing.Input{Body: in})
	if err != nil {
		t.Fatal(err)
	}
	if i = r.Issue(i.ID); i.Body.Totals.Total != 11900 {
		t.Errorf("it is over %d", i.Body.Totals.Total)
	}
}

// A draft is edited by one hand at a time, and not at all once it was sent.
func TestUpdateAndDelete(t *testing.T) {
	r, c := shop(t)
	e := r.Estimate(c, rig.Lines("100.00"))
	next, err := r.Selling.Update(r.Ctx, rig.Owner, e.ID, e.Version(), selling.Input{Body: rig.Lines("200.00"), ValidUntil: rig.Day("2026-03-01")})
	if err != nil || next.Body.Totals.Total != 23800 || next.ValidUntil != rig.Day("2026-03-01") {
		t.Fatal(next.Body.Totals, err)
	}
	for what, err := range map[string]error{
		"a stale edit":     second(r.Selling.Update(r.Ctx, rig.Owner, e.ID, e.Version(), selling.Input{Body: rig.Lines("1.00")})),
		"a stale deletion": r.Selling.Delete(r.Ctx, rig.Owner, e.ID, e.Version()),
	} {
		if !errors.Is(err, fault.Stale) {
			t.Errorf("%s: %v", what, err)
		}
	}
	other := r.Contact("Other", "")
	if _, err := r.Selling.Update(r.Ctx, rig.Owner, e.ID, next.Version(), selling.Input{ContactID: other.ID, Body: rig.Lines("1.00")}); !errors.Is(err, fault.Invalid) {
		t.Errorf("it moved to another contact: %v", err)
	}
	if err := r.Selling.Delete(r.Ctx, rig.Owner, e.ID, next.Version()); err != nil {
		t.Fatal(err)
	}
	if _, err := estimate.Get(r.Ctx, r.Table, e.ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("it is still there: %v", err)
	}
	sent := r.Offer(c, rig.Lines("1.00"))
	if _, err := r.Selling.Update(r.Ctx, rig.Owner, sent.ID, sent.Version(), selling.Input{Body: rig.Lines("2.00")}); !errors.Is(err, fault.Unready) {
		t.Errorf("a sent one was edited: %v", err)
	}
	if err := r.Selling.Delete(r.Ctx, rig.Owner, sent.ID, sent.Version()); !errors.Is(err, fault.Unready) {
		t.Errorf("a sent one was thrown away: %v", err)
	}
}

// What is typed has limits, and a contact that is archived or not there gets nothing new.
func TestCreateRefusals(t *testing.T) {
	r, c := shop(t)
	gone := r.Contact("Gone", "")
	if _, err := r.Contacts.Archive(r.Ctx, rig.Owner, gone.ID, 0); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		what string
		in   selling.Input
		kind fault.Kind
	}{
		{"yesterday", selling.Input{ContactID: c, ValidUntil: rig.Day("2026-01-04"), Body: rig.Lines("1")}, fault.Invalid},
		{"in a lifetime", selling.Input{ContactID: c, ValidUntil: rig.Day("9999-12-31"), Body: rig.Lines("1")}, fault.Invalid},
		{"nobody", selling.Input{ContactID: "ct_x", Body: rig.Lines("1")}, fault.Invalid},
		{"an archived contact", selling.Input{ContactID: gone.ID, Body: rig.Lines("1")}, fault.Unready},
		{"nothing", selling.Input{ContactID: c}, fault.Invalid},
	} {
		if _, err := r.Selling.Create(r.Ctx, rig.Owner, x.in); fault.KindOf(err) != x.kind {
			t.Errorf("%s: %v", x.what, err)
		}
	}
}
