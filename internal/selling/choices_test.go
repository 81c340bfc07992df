package selling_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/member"
	"onebook/internal/order"
	"onebook/internal/org"
	"onebook/internal/rig"
	"onebook/internal/sale"
	"onebook/internal/selling"
	"onebook/internal/totals"
)

// website is an offer with a fixed part, an extra, and one of two ways to go on.
func website() sale.Input {
	in := rig.Lines("1000.00", "200.00", "300.00", "500.00")
	in.Lines[1].Optional = true
	in.Lines[2].Group, in.Lines[2].Chosen = "Care", true
	in.Lines[3].Group = "Care"
	return in
}

func fieldsOf(t *testing.T, err error) []string {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Invalid {
		t.Fatalf("not a wrong field: %v", err)
	}
	var out []string
	for _, x := range f.Fields {
		out = append(out, x.Field+":"+x.Code)
	}
	return out
}

// A client takes the extra and the larger care; the agreement holds what was chosen and comes to the total that was shown.
func TestTheClientChooses(t *testing.T) {
	r, c := shop(t)
	e := r.Offer(c, website())
	if e.Body.Totals.Total != 154700 || e.Body.Lines[1].Net != 20000 || e.Body.Lines[3].Net != 50000 {
		t.Fatalf("the offer comes to %d with %+v", e.Body.Totals.Total, e.Body.Lines)
	}
	client := rig.Client(e.LinkID)
	for _, x := range []struct {
		choices []string
		wrong   string
	}{
		{[]string{}, "choices:one_of"},
		{[]string{"l3", "l4"}, "choices:one_of"},
		{[]string{"l2"}, "choices:one_of"},
		{[]string{"l1", "l3"}, "choices[0]:invalid"},
		{[]string{"l9", "l3"}, "choices[0]:not_found"},
		{[]string{"l3", "l3"}, "choices[1]:twice"},
	} {
		_, err := r.Selling.Accept(r.Ctx, client, e.ID, "Ada", x.choices...)
		if got := fieldsOf(t, err); !slices.Equal(got, []string{x.wrong}) {
			t.Errorf("%v: %v", x.choices, got)
		}
	}
	shown, err := r.Selling.Sums(r.Ctx, e.ID, []string{"l2", "l4"})
	if err != nil || shown.Totals.Total != 202300 {
		t.Fatalf("shown %d %v", shown.Totals.Total, err)
	}
	got, err := r.Selling.Accept(r.Ctx, client, e.ID, "Ada", "l2", "l4")
	if err != nil || got.Body.Totals.Total != 202300 {
		t.Fatalf("accepted %d %v", got.Body.Totals.Total, err)
	}
	again, err := r.Selling.Accept(r.Ctx, client, e.ID, "Ada", "l3")
	if err != nil || again.Body.Totals.Total != 202300 || again.Answer.Hash != got.Answer.Hash {
		t.Errorf("a second yes chose anew: %d %v", again.Body.Totals.Total, err)
	}
	if hash, err := selling.Hash(got); err != nil || hash != got.Answer.Hash {
		t.Errorf("the hash is not of what was accepted: %v", err)
	}
	other, err := got.Body.Choose([]string{"l3"})
	if err != nil {
		t.Fatal(err)
	}
	less := got
	less.Body = other
	if hash, err := selling.Hash(less); err != nil || hash == got.Answer.Hash {
		t.Errorf("other choices have the same hash: %v", err)
	}
	done, err := r.Selling.Convert(r.Ctx, rig.Owner, e.ID, order.Schedule{})
	if err != nil {
		t.Fatal(err)
	}
	o := r.GetOrder(done.OrderID)
	var prices []string
	for _, l := range o.Body.Lines {
		prices = append(prices, l.ID+" "+l.UnitPrice.String())
		if l.Optional || l.Chosen || l.Group != "" {
			t.Errorf("the order still asks: %+v", l)
		}
	}
	if d := cmp.Diff([]string{"l1 1000.00", "l2 200.00", "l3 500.00"}, prices); d != "" || o.Total() != 202300 {
		t.Errorf("the order is over %d: %s", o.Total(), d)
	}
}

// Where one must be chosen and none is proposed, a bare yes is not enough.
func TestABareYesNeedsAProposal(t *testing.T) {
	r, c := shop(t)
	in := website()
	in.Lines[2].Chosen = false
	e := r.Offer(c, in)
	if e.Body.Totals.Total != 119000 {
		t.Errorf("the total counts what nobody chose: %d", e.Body.Totals.Total)
	}
	_, err := r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, "Ada")
	if got := fieldsOf(t, err); !slices.Equal(got, []string{"choices:one_of"}) {
		t.Errorf("%v", got)
	}
	if got := r.GetEstimate(e.ID); got.State != estimate.Sent || got.Answer != nil {
		t.Errorf("it is %s", got.State)
	}
	e = r.Offer(c, website())
	got, err := r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, "Ada")
	if err != nil || got.Body.Totals.Total != 154700 {
		t.Errorf("what was proposed: %d %v", got.Body.Totals.Total, err)
	}
}

// Discounts, allowances and charges of lines and of the whole, and the client's choices, survive the hand-over: the order
// comes to exactly what was accepted, in every figure, and to the same when it is worked out anew from its lines.
func TestNothingIsLostOnTheWay(t *testing.T) {
	r, c := shop(t)
	rapid.Check(t, func(t *rapid.T) {
		some := func(label string, most int) string {
			n := rapid.IntRange(0, most).Draw(t, label)
			return fmt.Sprintf("%d.%02d", n/100, n%100)
		}
		var in sale.Input
		var choices []string
		groups := map[string]bool{}
		n := rapid.IntRange(2, 8).Draw(t, "lines")
		for x := range n {
			l := sale.LineInput{
				Name: "Work", Quantity: rig.Dec(some("quantity", 500)), UnitPrice: rig.Dec(some("price", 100_000)),
				TaxClass: rapid.SampledFrom([]string{"standard", "reduced"}).Draw(t, "class"),
			}
			if rapid.Bool().Draw(t, "discounted") {
				l.Discount = &totals.Discount{Percent: rig.Dec(some("off", 5000))}
			}
			if rapid.Bool().Draw(t, "charged") {
				l.Charges = []totals.Allowance{{Amount: rig.Dec(some("more", 1000)), Reason: "travel"}}
			}
			switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
			case kind == 1 && x > 0:
				l.Optional = true
				if rapid.Bool().Draw(t, "taken") {
					choices = append(choices, fmt.Sprintf("l%d", x+1))
				}
			case kind == 2 && x > 0 && x+1 < n:
				l.Group = "A"
			}
			in.Lines = append(in.Lines, l)
		}
		for x := range in.Lines { // the last line makes a group of what would stand alone
			if in.Lines[x].Group != "" && !groups["A"] {
				groups["A"] = true
				choices = append(choices, fmt.Sprintf("l%d", x+1))
			}
		}
		if groups["A"] {
			in.Lines = append(in.Lines, in.Lines[0])
			in.Lines[n].Group = "A"
		}
		if rapid.Bool().Draw(t, "whole") {
			in.Discount = &totals.Discount{Percent: rig.Dec(some("offWhole", 3000))}
		}
		if rapid.Bool().Draw(t, "fee") {
			in.Charges = []totals.Adjustment{{Amount: rig.Dec(some("fee", 500)), Reason: "fee", Taxes: []totals.Tax{{Category: "S", Rate: rig.Dec("19")}}}}
		}
		e, err := r.Selling.Create(r.Ctx, rig.Owner, selling.Input{ContactID: c, Body: in})
		if err != nil {
			t.Fatal(err)
		}
		if e, err = r.Selling.Send(r.Ctx, rig.Owner, e.ID); err != nil {
			t.Fatal(err)
		}
		shown, err := r.Selling.Sums(r.Ctx, e.ID, choices)
		if err != nil {
			t.Fatal(err)
		}
		if choices == nil {
			choices = []string{}
		}
		yes, err := r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, "Ada", choices...)
		if err != nil {
			t.Fatal(err)
		}
		done, err := r.Selling.Convert(r.Ctx, rig.Owner, e.ID, order.Schedule{})
		if err != nil {
			t.Fatal(err)
		}
		o := r.GetOrder(done.OrderID)
		same := cmp.Comparer(func(a, b interface{ String() string }) bool { return a.String() == b.String() })
		if d := cmp.Diff(shown.Totals, yes.Body.Totals, same); d != "" {
			t.Fatalf("shown and accepted differ: %s", d)
		}
		if d := cmp.Diff(yes.Body.Totals, o.Body.Totals, same); d != "" {
			t.Fatalf("accepted and ordered differ: %s", d)
		}
		anew, err := o.Body.Choose(nil)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(o.Body.Totals, anew.Totals, same); d != "" {
			t.Fatalf("worked out anew it differs: %s", d)
		}
	})
}

// What a client agreed to is kept with the agreement, whatever the organisation's terms become.
func TestTermsAreAcceptedWithIt(t *testing.T) {
	r, c := shop(t)
	r.Settings(func(s *org.Settings) { s.Terms = org.Terms{Text: "Half is due at once.", Version: "2026-01"} })
	before := r.Estimate(c, rig.Lines("100.00"))
	if before.Conditions != nil {
		t.Errorf("a draft has terms of its own: %+v", before.Conditions)
	}
	e, err := r.Selling.Send(r.Ctx, rig.Owner, before.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.Settings(func(s *org.Settings) { s.Terms = org.Terms{Text: "All is due at once.", Version: "2026-02"} })
	got, err := r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, "Ada")
	if err != nil || got.Conditions == nil || *got.Conditions != (org.Terms{Text: "Half is due at once.", Version: "2026-01"}) || got.Answer.Terms != "2026-01" {
		t.Fatalf("accepted under %+v %+v: %v", got.Conditions, got.Answer, err)
	}
	other := got
	other.Conditions = &org.Terms{Text: "All is due at once.", Version: "2026-01"}
	if hash, err := selling.Hash(other); err != nil || hash == got.Answer.Hash {
		t.Errorf("other terms have the same hash: %v", err)
	}
	own, err := r.Selling.Create(r.Ctx, rig.Owner, selling.Input{ContactID: c, Body: rig.Lines("1.00"), Terms: &org.Terms{Text: " As discussed. "}})
	if err != nil || own.Conditions.Text != "As discussed." || own.Conditions.Version == "" {
		t.Fatalf("%+v %v", own.Conditions, err)
	}
	if own, err = r.Selling.Send(r.Ctx, rig.Owner, own.ID); err != nil || own.Conditions.Text != "As discussed." {
		t.Errorf("typed terms gave way: %+v %v", own.Conditions, err)
	}
	set, err := r.Org.Get(r.Ctx)
	if err != nil {
		t.Fatal(err)
	}
	set.Terms.Text = "Nothing is due."
	_, err = r.Org.Update(r.Ctx, rig.Owner, set.Version(), set)
	if got := fieldsOf(t, err); !slices.Equal(got, []string{"terms.version:same"}) {
		t.Errorf("other terms took the old version: %v", got)
	}
}

// A new version replaces the sent one in the moment it is sent, and not before.
func TestRevise(t *testing.T) {
	r, c := shop(t)
	e := r.Offer(c, rig.Lines("100.00"))
	next, err := r.Selling.Revise(r.Ctx, rig.As(member.Sales), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.Selling.Revise(r.Ctx, rig.Owner, e.ID)
	if err != nil || again.ID != next.ID || next.State != estimate.Draft || next.Revises != e.ID || next.Number != "" {
		t.Fatalf("%+v %v", again, err)
	}
	if got := r.GetEstimate(e.ID); got.State != estimate.Sent {
		t.Errorf("the offer is %s before the new one is sent", got.State)
	}
	if next, err = r.Selling.Update(r.Ctx, rig.Owner, next.ID, next.Version(), selling.Input{Body: rig.Lines("90.00"), ValidUntil: next.ValidUntil}); err != nil {
		t.Fatal(err)
	}
	if next, err = r.Selling.Send(r.Ctx, rig.Owner, next.ID); err != nil {
		t.Fatal(err)
	}
	old := r.GetEstimate(e.ID)
	if old.State != estimate.Superseded || next.Number != "E-0001-R2" || next.Revision != 2 || old.RevisedBy != next.ID {
		t.Errorf("old %s, new %s", old.State, next.Number)
	}
	if _, err := r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, "Ada"); !errors.Is(err, fault.Unready) {
		t.Errorf("the old one was accepted: %v", err)
	}
	if got, err := r.Selling.Revise(r.Ctx, rig.Owner, e.ID); err != nil || got.ID != next.ID {
		t.Errorf("revised again, it is %s: %v", got.ID, err)
	}
	third, err := r.Selling.Revise(r.Ctx, rig.Owner, next.ID)
	if err != nil {
		t.Fatal(err)
	}
	if third, err = r.Selling.Send(r.Ctx, rig.Owner, third.ID); err != nil || third.Number != "E-0001-R3" {
		t.Errorf("the third is %s: %v", third.Number, err)
	}
	if fresh := r.Offer(c, rig.Lines("1.00")); fresh.Number != "E-0002" {
		t.Errorf("a revision took a number of the series: %s", fresh.Number)
	}
	if n := count(r.Kinds(c), "estimate.revised"); n != 2 {
		t.Errorf("%d revisions in the history", n)
	}
}

// A yes to the offer comes before its new version is sent: then that one cannot replace it, and nothing of it is sent.
func TestAYesBeforeTheRevision(t *testing.T) {
	r, c := shop(t)
	e := r.Offer(c, rig.Lines("100.00"))
	next, err := r.Selling.Revise(r.Ctx, rig.Owner, e.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, "Ada"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Selling.Send(r.Ctx, rig.Owner, next.ID); !errors.Is(err, fault.Unready) {
		t.Errorf("it was sent: %v", err)
	}
	if got := r.GetEstimate(next.ID); got.State != estimate.Draft || got.Number != "" {
		t.Errorf("it is %s %s", got.State, got.Number)
	}
	if _, err := r.Selling.Revise(r.Ctx, rig.As(member.Viewer), e.ID); !errors.Is(err, fault.Denied) {
		t.Errorf("a viewer: %v", err)
	}
}

// A draft of a new version that was thrown away makes room for another; an expired offer gets a new last day.
func TestReviseAnew(t *testing.T) {
	r, c := shop(t)
	e := r.Offer(c, rig.Lines("100.00"))
	first, err := r.Selling.Revise(r.Ctx, rig.Owner, e.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Selling.Delete(r.Ctx, rig.Owner, first.ID, first.Version()); err != nil {
		t.Fatal(err)
	}
	second, err := r.Selling.Revise(r.Ctx, rig.Owner, e.ID)
	if err != nil || second.ID == first.ID {
		t.Fatal(second.ID, err)
	}
	if _, err := r.Selling.Cancel(r.Ctx, rig.Owner, second.ID, ""); err != nil {
		t.Fatal(err)
	}
	r.Clock.Move(40 * 24 * 3600e9)
	r.Sweep()
	third, err := r.Selling.Revise(r.Ctx, rig.Owner, e.ID)
	if err != nil || third.ID == second.ID || third.ValidUntil.Before(rig.Day("2026-02-14")) {
		t.Fatal(third, err)
	}
	if _, err := r.Selling.Send(r.Ctx, rig.Owner, third.ID); err != nil {
		t.Fatal(err)
	}
	if got := r.GetEstimate(e.ID); got.State != estimate.Superseded {
		t.Errorf("the expired one is %s", got.State)
	}
}

// An offer is taken back once, with its reason; its client cannot accept it any more. An order must be canceled itself.
func TestCancel(t *testing.T) {
	r, c := shop(t)
	e := r.Offer(c, rig.Lines("100.00"))
	for range 2 {
		got, err := r.Selling.Cancel(r.Ctx, rig.Owner, e.ID, " no capacity ")
		if err != nil || got.State != estimate.Canceled || got.Reason != "no capacity" {
			t.Fatal(got.State, got.Reason, err)
		}
	}
	if n := count(r.Kinds(c), "estimate.canceled"); n != 1 {
		t.Errorf("canceled %d times", n)
	}
	if _, err := r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, "Ada"); !errors.Is(err, fault.Unready) {
		t.Errorf("accepted: %v", err)
	}
	e = r.Offer(c, rig.Lines("100.00"))
	if _, err := r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, "Ada"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Selling.Convert(r.Ctx, rig.Owner, e.ID, order.Schedule{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Selling.Cancel(r.Ctx, rig.Owner, e.ID, ""); !errors.Is(err, fault.Unready) {
		t.Errorf("an order was left without its estimate: %v", err)
	}
}
