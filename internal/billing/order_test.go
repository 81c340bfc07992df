package billing_test

import (
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	"onebook/internal/totals"
)

func percent(s string) order.Portion { return order.Portion{Percent: rig.Dec(s)} }

// books sums the accounts of a contact's entries that are not empty.
func books(r *rig.Rig, contact string) map[activity.Account]int64 {
	out := map[activity.Account]int64{}
	for _, e := range r.Entries(contact) {
		for _, p := range e.Postings {
			if out[p.Account] += p.Amount; out[p.Account] == 0 {
				delete(out, p.Account)
			}
		}
	}
	return out
}

// An agency's order over 12,000.00: 40 per cent deposit, two milestones, and a final invoice that takes all of them off with
// their tax. Until then their net lies on deposits; with it everything is revenue.
func TestDepositMilestonesFinal(t *testing.T) {
	r, c := shop(t)
	deposit := percent("40")
	o := r.Order(c, rig.Lines("12000.00"), order.Schedule{Deposit: &deposit, Milestones: []order.MilestoneIn{
		{Name: "Design", Portion: percent("20")}, {Name: "Launch", Portion: order.Portion{Amount: 333_333}, DueOn: rig.Day("2026-03-01")},
	}})
	if o.Total() != 1_428_000 || len(o.Invoices) != 3 || o.Milestones[1].InvoiceID != o.Invoices[2] {
		t.Fatalf("%+v", o)
	}
	var got []int64
	for n, x := range o.Invoices {
		i := r.Issue(x)
		got = append(got, i.Body.Totals.Net, i.Body.Totals.Tax)
		if want := []invoice.Share{invoice.Deposit, invoice.Milestone, invoice.Milestone}[n]; i.Share != want {
			t.Errorf("the %d. is a %s", n+1, i.Share)
		}
		if n == 2 && i.DueOn != rig.Day("2026-03-01") {
			t.Errorf("the milestone is due on %s", i.DueOn)
		}
		r.Cash(x, i.Due())
	}
	if d := cmp.Diff([]int64{480_000, 91_200, 240_000, 45_600, 280_112, 53_221}, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[activity.Account]int64{
		activity.Cash: 571_200 + 285_600 + 333_333, activity.Deposits: -1_000_112, activity.Tax("S:19"): -190_021,
	}, books(r, c)); d != "" {
		t.Errorf("before the final invoice: %s", d)
	}
	last, err := r.Billing.BillOrder(r.Ctx, rig.As(member.Sales), o.ID, billing.OrderInput{Final: true})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := r.Billing.BillOrder(r.Ctx, rig.Owner, o.ID, billing.OrderInput{Final: true}); err != nil || again.ID != last.ID {
		t.Errorf("a second time: %s %v", again.ID, err)
	}
	last = r.Issue(last.ID)
	if s := last.Body.Totals; s.Net != 1_200_000-1_000_112 || s.Tax != 228_000-190_021 || s.Total != 1_428_000-1_190_133 || len(last.Body.Lines) != 4 {
		t.Errorf("the final invoice: %+v", s)
	}
	for n, l := range last.Body.Lines[1:] {
		if i := r.GetInvoice(o.Invoices[n]); !strings.Contains(l.Name, i.Number) || l.Net != -i.Body.Totals.Net ||
			!strings.Contains(l.Description, "VAT 19 %") || l.Part.InvoiceID != i.ID {
			t.Errorf("line %d: %+v", n+2, l)
		}
	}
	if d := cmp.Diff(map[activity.Account]int64{
		activity.Cash: 1_190_133, activity.Receivable: 237_867, activity.Revenue: -1_200_000, activity.Tax("S:19"): -228_000,
	}, books(r, c)); d != "" {
		t.Errorf("after it: %s", d)
	}
	if o = r.GetOrder(o.ID); o.State != order.Billed || o.Billed != o.Total() || r.GetEstimate(o.EstimateID).State != estimate.Invoiced {
		t.Errorf("%+v", o)
	}
}

// A final invoice waits for the advances: paid, voided, or left out by choice; and for drafts that bill parts.
func TestFinalWaitsForAdvances(t *testing.T) {
	r, c := shop(t)
	deposit := percent("30")
	o := r.Order(c, rig.Lines("1000.00"), order.Schedule{Deposit: &deposit, Milestones: []order.MilestoneIn{{Name: "Half", Portion: percent("20")}}})
	final := func(leaveOut ...string) (invoice.Invoice, error) {
		return r.Billing.BillOrder(r.Ctx, rig.Owner, o.ID, billing.OrderInput{Final: true, LeaveOut: leaveOut})
	}
	if _, err := final(); code(err) != "drafts" {
		t.Errorf("with drafts: %v", err)
	}
	a, b := r.Issue(o.Invoices[0]), r.Issue(o.Invoices[1])
	r.Cash(a.ID, a.Due()-1)
	_, err := final()
	if code(err) != "advance_unpaid" || !strings.Contains(err.Error(), a.Number) || !strings.Contains(err.Error(), b.Number) {
		t.Errorf("with unpaid ones: %v", err)
	}
	r.Cash(a.ID, 1)
	if _, err = final(); strings.Contains(err.Error(), a.Number) || !strings.Contains(err.Error(), b.Number) {
		t.Errorf("with an unpaid one: %v", err)
	}
	if _, err = final(a.ID); !errors.Is(err, fault.Invalid) {
		t.Errorf("a paid one was left out: %v", err)
	}
	last, err := final(b.ID)
	if err != nil {
		t.Fatal(err)
	}
	if last.Body.Totals.Total != 59500 || !strings.Contains(last.Body.Lines[2].Name, "by itself") {
		t.Errorf("%+v", last.Body)
	}
	for _, x := range []string{a.ID, b.ID} {
		if _, err := r.Billing.Void(r.Ctx, rig.Owner, x, "no"); !errors.Is(err, fault.Unready) {
			t.Errorf("an advance that is taken off was voided: %v", err)
		}
	}
	if _, err := r.Billing.BillOrder(r.Ctx, rig.Owner, o.ID, billing.OrderInput{Portion: percent("1")}); code(err) != "final" {
		t.Errorf("an advance beside the final invoice: %v", err)
	}
	if err := r.Billing.Delete(r.Ctx, rig.Owner, last.ID, last.Version()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Billing.Void(r.Ctx, rig.Owner, b.ID, "not needed"); err != nil {
		t.Fatal(err)
	}
	if last, err = final(); err != nil || last.Body.Totals.Total != 83300 {
		t.Errorf("after the void: %d %v", last.Body.Totals.Total, err)
	}
}

// After a void its milestone can be billed again, whatever else was billed meanwhile; asked for twice, it is billed once.
func TestMilestoneAgain(t *testing.T) {
	r, c := shop(t)
	o := r.Order(c, rig.Lines("1000.00"), order.Schedule{Milestones: []order.MilestoneIn{{Name: "A", Portion: percent("50")}, {Name: "B", Portion: percent("50")}}})
	a, b := r.Issue(o.Invoices[0]), r.Issue(o.Invoices[1])
	if o = r.GetOrder(o.ID); o.State != order.Billed || books(r, c)[activity.Revenue] != -100000 {
		t.Errorf("milestones that are all: %s %v", o.State, books(r, c))
	}
	if _, err := r.Billing.Void(r.Ctx, rig.Owner, a.ID, "wrong day"); err != nil {
		t.Fatal(err)
	}
	if o = r.GetOrder(o.ID); o.State != order.Open || o.Remaining() != 59500 || o.Milestones[0].InvoiceID != "" || o.Milestones[1].InvoiceID != b.ID {
		t.Errorf("after the void: %+v", o)
	}
	if d := cmp.Diff(map[activity.Account]int64{
		activity.Receivable: 59500, activity.Deposits: -50000, activity.Tax("S:19"): -9500,
	}, books(r, c)); d != "" {
		t.Error(d)
	}
	var wg sync.WaitGroup
	ids := make(chan string, 8)
	for range 8 {
		wg.Go(func() {
			i, err := r.Billing.BillOrder(r.Ctx, rig.Owner, o.ID, billing.OrderInput{Milestone: "A"})
			if err != nil {
				t.Error(err)
			}
			ids <- i.ID
		})
	}
	wg.Wait()
	close(ids)
	seen := map[string]bool{}
	for x := range ids {
		seen[x] = true
	}
	if len(seen) != 1 || len(r.GetOrder(o.ID).Invoices) != 3 {
		t.Errorf("billed as %v", seen)
	}
	if _, err := r.Billing.BillOrder(r.Ctx, rig.Owner, o.ID, billing.OrderInput{Portion: order.Portion{Amount: 1}}); code(err) != "nothing_remains" {
		t.Errorf("beside a draft over all that remains: %v", err)
	}
}

// What bills a share of an order keeps its lines; its notes and its day are edited as ever.
func TestSharesAreNotEdited(t *testing.T) {
	r, c := shop(t)
	deposit := percent("30")
	i := r.GetInvoice(r.Order(c, rig.Lines("1000.00"), order.Schedule{Deposit: &deposit}).Invoices[0])
	in := billing.Input{Body: i.Body.Input(), DueOn: rig.Day("2026-02-01")}
	in.Body.Notes = "Thank you"
	next, err := r.Billing.Update(r.Ctx, rig.Owner, i.ID, i.Version(), in)
	if err != nil || next.Body.Notes != "Thank you" || next.DueOn != in.DueOn || next.Body.Totals.Total != i.Body.Totals.Total {
		t.Fatalf("%+v %v", next, err)
	}
	in.Body.Lines[0].UnitPrice = rig.Dec("1")
	var f *fault.Error
	if _, err := r.Billing.Update(r.Ctx, rig.Owner, i.ID, next.Version(), in); !errors.As(err, &f) || f.Fields[0].Field != "lines" {
		t.Errorf("its price was edited: %v", err)
	}
}

// Canceling ends what is left: drafts go, what is issued stays and counts as earned.
func TestCancelOrder(t *testing.T) {
	r, c := shop(t)
	deposit := percent("30")
	o := r.Order(c, rig.Lines("1000.00"), order.Schedule{Deposit: &deposit, Milestones: []order.MilestoneIn{{Name: "A", Portion: percent("20")}}})
	i := r.Issue(o.Invoices[0])
	for range 2 {
		got, err := r.Billing.CancelOrder(r.Ctx, rig.As(member.Sales), o.ID, "the client moved away")
		if err != nil || got.State != order.Canceled || got.Remaining() != 0 || got.Billed != 35700 || got.CancelReason == "" {
			t.Fatalf("%+v %v", got, err)
		}
	}
	if n := count(r.Kinds(c), "order.canceled"); n != 1 {
		t.Errorf("canceled %d times", n)
	}
	if _, err := invoice.Get(r.Ctx, r.Table, o.Invoices[1]); !errors.Is(err, fault.NotFound) {
		t.Errorf("the draft: %v", err)
	}
	if d := cmp.Diff(map[activity.Account]int64{
		activity.Receivable: 35700, activity.Revenue: -30000, activity.Tax("S:19"): -5700,
	}, books(r, c)); d != "" {
		t.Error(d)
	}
	if _, err := r.Billing.BillOrder(r.Ctx, rig.Owner, o.ID, billing.OrderInput{Final: true}); code(err) != "canceled" {
		t.Errorf("billed after all: %v", err)
	}
	if _, err := r.Billing.Void(r.Ctx, rig.Owner, i.ID, "given up"); err != nil {
		t.Fatal(err)
	}
	if o := r.GetOrder(o.ID); o.State != order.Canceled || o.Billed != 0 || len(books(r, c)) != 0 {
		t.Errorf("after the void: %+v %v", o, books(r, c))
	}
	if _, err := r.Billing.CancelOrder(r.Ctx, rig.Owner, o.ID, " "); !errors.Is(err, fault.Invalid) {
		t.Errorf("without a reason: %v", err)
	}
	done := r.Order(c, rig.Lines("1.00"), order.Schedule{})
	r.Issue(done.Invoices[0])
	if _, err := r.Billing.CancelOrder(r.Ctx, rig.Owner, done.ID, "too late"); code(err) != "billed" {
		t.Errorf("after all was billed: %v", err)
	}
	if _, err := r.Billing.CancelOrder(r.Ctx, rig.As(member.Booking), done.ID, "x"); !errors.Is(err, fault.Denied) {
		t.Errorf("by booking: %v", err)
	}
}

func count(all []string, one string) (n int) {
	for _, x := range all {
		if x == one {
			n++
		}
	}
	return n
}

// Two halves are the whole, though a half of an odd sum is rounded up.
func TestHalves(t *testing.T) {
	r, c := shop(t)
	o := r.Order(c, rig.Lines("84.04"), order.Schedule{}) // 100.01
	if err := r.Billing.Delete(r.Ctx, rig.Owner, o.Invoices[0], 1); err != nil {
		t.Fatal(err)
	}
	var sum []int64
	for range 2 {
		i, err := r.Billing.BillOrder(r.Ctx, rig.Owner, o.ID, billing.OrderInput{Portion: percent("50")})
		if err != nil {
			t.Fatal(err)
		}
		sum = append(sum, i.Body.Totals.Total)
	}
	if d := cmp.Diff([]int64{5001, 5000}, sum); d != "" {
		t.Error(d)
	}
}

// What is asked of an order is one thing, and one that it has.
func TestBillOrderRefuses(t *testing.T) {
	r, c := shop(t)
	o := r.Order(c, rig.Lines("1000.00"), order.Schedule{Milestones: []order.MilestoneIn{{Name: "A", Portion: percent("50")}}})
	for what, x := range map[string]struct {
		in    billing.OrderInput
		field string
	}{
		"nothing":               {billing.OrderInput{}, "final"},
		"two things":            {billing.OrderInput{Final: true, Milestone: "A"}, "final"},
		"an unknown milestone":  {billing.OrderInput{Milestone: "B"}, "milestone"},
		"less than nothing":     {billing.OrderInput{Portion: order.Portion{Amount: -1}}, "amount"},
		"more than remains":     {billing.OrderInput{Portion: order.Portion{Amount: 59501}}, "amount"},
		"left out of a part":    {billing.OrderInput{Milestone: "A", LeaveOut: []string{"x"}}, "leaveOut"},
		"tax of a part":         {billing.OrderInput{Milestone: "A", KeepTax: true}, "keepTax"},
		"due in a lifetime":     {billing.OrderInput{Portion: order.Portion{Amount: 1}, DueOn: rig.Day("9999-01-01")}, "dueOn"},
		"more than all percent": {billing.OrderInput{Portion: percent("101")}, "percent"},
	} {
		var f *fault.Error
		if _, err := r.Billing.BillOrder(r.Ctx, rig.Owner, o.ID, x.in); !errors.As(err, &f) || len(f.Fields) == 0 || f.Fields[0].Field != x.field {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := r.Billing.BillOrder(r.Ctx, rig.As(member.Viewer), o.ID, billing.OrderInput{Final: true}); !errors.Is(err, fault.Denied) {
		t.Errorf("by a viewer: %v", err)
	}
}

// Where the rate has changed since it was agreed, the final invoice asks; kept by choice it is as agreed.
func TestFinalAsksAboutTax(t *testing.T) {
	r, c := shop(t)
	deposit := percent("50")
	o := r.Order(c, rig.Lines("1000.00"), order.Schedule{Deposit: &deposit})
	r.Cash(r.Issue(o.Invoices[0]).ID, 59500)
	r.Tax(org.TaxRule{TaxClass: "standard", Category: "S", Rate: rig.Dec("21"), From: rig.Day("2026-01-10")})
	r.Clock.Set(at(t, "2026-01-12T09:00:00Z"))
	if _, err := r.Billing.BillOrder(r.Ctx, rig.Owner, o.ID, billing.OrderInput{Final: true}); code(err) != "tax_changed" {
		t.Errorf("it did not ask: %v", err)
	}
	i, err := r.Billing.BillOrder(r.Ctx, rig.Owner, o.ID, billing.OrderInput{Final: true, KeepTax: true})
	if err != nil || r.Issue(i.ID).Body.Totals.Total != 59500 {
		t.Errorf("%+v %v", i.Body.Totals, err)
	}
}

// mixed is an order with three rates, a discount and prices of odd cents.
func mixed(n int) sale.Input {
	in := rig.Lines("333.33", fmt.Sprintf("%d.17", n), "0.07")
	in.Lines[1].TaxClass, in.Lines[2].TaxClass = "reduced", "lessons"
	in.Discount = &totals.Discount{Percent: rig.Dec("3")}
	return in
}

// Whatever is drafted, issued, paid, voided and billed again in any order: at the end the books show the order's net as
// revenue, its tax by rate, and nothing on deposits.
func TestBooksOfAnOrder(t *testing.T) {
	for seed := range int64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewSource(seed))
			r, c := shop(t)
			r.Settings(func(s *org.Settings) { s.PricesIncludeTax = seed%2 == 1 })
			deposit := percent(fmt.Sprint(1 + rnd.Intn(60)))
			o := r.Order(c, mixed(1+rnd.Intn(900)), order.Schedule{Deposit: &deposit, Milestones: []order.MilestoneIn{{Name: "A", Portion: percent("17.5")}}})
			for range 8 {
				o = r.GetOrder(o.ID)
				x := o.Invoices[rnd.Intn(len(o.Invoices))]
				switch i := r.GetInvoice(x); {
				case i.State == invoice.Draft:
					r.Issue(x)
				case i.State == invoice.Open && rnd.Intn(3) > 0:
					if _, err := r.Billing.Void(r.Ctx, rig.Owner, x, "again"); err != nil {
						t.Fatal(err)
					}
				default:
					_, err := r.Billing.BillOrder(r.Ctx, rig.Owner, o.ID, billing.OrderInput{Portion: order.Portion{Amount: 1 + rnd.Int63n(o.Total()/5)}})
					if err != nil && !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.Unready) {
						t.Fatal(err)
					}
				}
			}
			for _, x := range r.GetOrder(o.ID).Invoices {
				if i := r.GetInvoice(x); i.State == invoice.Draft || i.State == invoice.Open {
					if i = r.Issue(x); i.Due() > 0 {
						r.Cash(x, i.Due())
					}
				}
			}
			last, err := r.Billing.BillOrder(r.Ctx, rig.Owner, o.ID, billing.OrderInput{Final: true})
			if err == nil {
				last = r.Issue(last.ID)
			} else if code(err) != "nothing_remains" {
				t.Fatal(err)
			}
			want := map[activity.Account]int64{activity.Revenue: -o.Body.Totals.Net, activity.Cash: o.Total() - last.Due()}
			if last.Due() > 0 {
				want[activity.Receivable] = last.Due()
			}
			for _, row := range o.Body.Totals.Taxes {
				if row.Tax != 0 {
					want[activity.Tax(row.Category+":"+row.Rate.String())] = -row.Tax
				}
			}
			if d := cmp.Diff(want, books(r, c)); d != "" {
				t.Error(d)
			}
			if o = r.GetOrder(o.ID); o.State != order.Billed || o.Remaining() != 0 {
				t.Errorf("the order is %s with %d to bill", o.State, o.Remaining())
			}
		})
	}
}
