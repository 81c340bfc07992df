package order_test

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/money"
	"onebook/internal/order"
	"onebook/internal/sale"
	"onebook/internal/totals"
	"onebook/internal/vectors"
)

func dec(s string) money.Decimal {
	d, err := money.ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

// menu is what lines are taxed with: several rates, none, two at once, compound, surcharge, withheld.
var menu = [][]totals.Tax{
	{{Category: "S", Rate: dec("19")}}, {{Category: "S", Rate: dec("19.0")}}, {{Category: "S", Rate: dec("7")}}, {{Category: "E"}}, {{Category: "AE"}},
	{{Category: "S", Rate: dec("21"), SurchargeRate: dec("5.2")}},
	{{Name: "GST", Category: "S", Rate: dec("5")}}, {{Name: "GST", Category: "S", Rate: dec("5")}, {Name: "PST", Category: "S", Rate: dec("7")}},
	{{Name: "GST", Category: "S", Rate: dec("5")}, {Name: "QST", Category: "S", Rate: dec("9.975"), Compound: true}},
	{{Category: "S", Rate: dec("22")}, {Name: "IRPF", Rate: dec("20"), Withheld: true}},
}

func amountOf(t *rapid.T, label string, most int, places int) money.Decimal {
	n := rapid.IntRange(0, most).Draw(t, label)
	return dec(new(big.Rat).SetFrac(big.NewInt(int64(n)), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil)).FloatString(places))
}

// agreed draws an order: lines of any tax with discounts, and allowances and charges of the whole.
func agreed(t *rapid.T) order.Order {
	b := sale.Body{
		Currency:         rapid.SampledFrom([]string{"EUR", "EUR", "JPY", "KWD"}).Draw(t, "currency"),
		PricesIncludeTax: rapid.Bool().Draw(t, "prices include tax"),
	}
	for n := range rapid.IntRange(1, 6).Draw(t, "lines") {
		l := sale.Line{
			Name: fmt.Sprint("Line ", n), Quantity: amountOf(t, "quantity", 5000, 2), UnitPrice: amountOf(t, "price", 200_000, 2),
			Taxes: rapid.SampledFrom(menu).Draw(t, "taxes"),
		}
		if rapid.Bool().Draw(t, "discounted") {
			l.Discount = &totals.Discount{Percent: amountOf(t, "discount", 100, 0)}
		}
		b.Lines = append(b.Lines, l)
	}
	if rapid.Bool().Draw(t, "allowance") {
		b.Allowances = []totals.Adjustment{{Percent: amountOf(t, "allowance percent", 50, 0), Reason: "loyal"}}
	}
	if rapid.Bool().Draw(t, "charge") {
		b.Charges = []totals.Adjustment{{Percent: amountOf(t, "charge percent", 30, 0), Reason: "freight"}}
	}
	b, err := b.With()
	if err != nil {
		t.Skip(err) // an allowance over lines that come to nothing
	}
	return order.Order{State: order.Open, Title: "E-0001", Body: b}
}

// sums is what documents come to together, figure by figure and tax by tax.
func sums(bs ...sale.Body) map[string]int64 {
	out := map[string]int64{}
	for _, b := range bs {
		t := b.Totals
		for name, n := range map[string]int64{"net": t.Net, "tax": t.Tax, "total": t.Total, "withheld": t.Withheld, "payable": t.Payable} {
			out[name] += n
		}
		for _, r := range t.Taxes {
			at := fmt.Sprintf("%s %s %s %t %t %t", r.Name, r.Category, r.Rate, r.Withheld, r.Surcharge, r.Compound)
			out[at+" taxable"] += r.Taxable
			out[at+" tax"] += r.Tax
		}
	}
	for name, n := range out {
		if n == 0 {
			delete(out, name)
		}
	}
	return out
}

// Whatever the order, and whatever sequence of advances, voids and a final invoice bills it, net, tax and total of what stands
// at the end are the order's, for each tax, to the last unit; and each advance is over what was asked for, with the
// tax of its amount.
func TestEverySequenceAddsUpToTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := agreed(t)
		var live []sale.Body
		voided := false
		left := func() int64 { return o.Total() - sums(live...)["total"] }
		for range rapid.IntRange(0, 7).Draw(t, "deeds") {
			if len(live) > 0 && rapid.IntRange(0, 3).Draw(t, "void") == 0 {
				n := rapid.IntRange(0, len(live)-1).Draw(t, "which")
				live, voided = slices.Delete(live, n, n+1), true
				continue
			}
			if left() <= 0 {
				continue
			}
			ask := rapid.Int64Range(1, left()).Draw(t, "amount")
			b, err := o.Advance("Part", ask, live...)
			if err != nil {
				t.Fatalf("%d of %d: %v", ask, left(), err)
			}
			if b.Totals.Total != ask {
				t.Fatalf("asked for %d, and it is over %d", ask, b.Totals.Total)
			}
			if ask < left() && !voided {
				right(t, b)
			}
			whole(t, b)
			live = append(live, b)
		}
		if left() <= 0 {
			return
		}
		var off []order.Issued
		for n, b := range live {
			off = append(off, order.Issued{ID: fmt.Sprint("in_", n), Number: fmt.Sprint(n), On: civil.Date{}, Body: b})
		}
		last, err := o.Final("en", off)
		if err != nil {
			t.Fatal(err)
		}
		whole(t, last)
		if d := cmp.Diff(sums(o.Body), sums(append(live, last)...)); d != "" {
			t.Errorf("with %d advances: %s", len(live), d)
		}
	})
}

// right demands of an advance that each tax is its rate of what it is on, within the one unit that cumulative rounding may
// move and the roundings of the order's own tax.
func right(t *rapid.T, b sale.Body) {
	for _, r := range b.Totals.Taxes {
		want := new(big.Rat).Mul(new(big.Rat).SetInt64(r.Taxable), new(big.Rat).Quo(r.Rate.Rat(), big.NewRat(100, 1)))
		if r.Category == totals.Exempt || r.Category == totals.ReverseCharge {
			want = new(big.Rat)
		}
		off := want.Sub(want, new(big.Rat).SetInt64(r.Tax))
		if off.Abs(off).Cmp(big.NewRat(2, 1)) > 0 {
			t.Errorf("%s %s %%: %d on %d", r.Name, r.Rate, r.Tax, r.Taxable)
		}
	}
}

// whole demands that a document's own figures agree, as EN 16931 has them (BR-CO-10 to 16).
func whole(t *rapid.T, b sale.Body) {
	var lines, tax int64
	for _, l := range b.Lines {
		lines += l.Net
	}
	for _, r := range b.Totals.Taxes {
		if !r.Withheld {
			tax += r.Tax
		}
	}
	s := b.Totals
	if lines != s.Subtotal || tax != s.Tax || s.Net+s.Tax != s.Total || s.Total-s.Withheld != s.Payable {
		t.Errorf("lines %d tax %d: %+v", lines, tax, s)
	}
	if !b.PricesIncludeTax && s.Subtotal-s.Allowances+s.Charges != s.Net {
		t.Errorf("without tax: %+v", s)
	}
}

// More than remains is no share of an order, and of nothing there is none.
func TestTakeRefuses(t *testing.T) {
	o := plain(t, "100.00", "19")
	all, err := o.Advance("All", 11900)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Advance("More", 11901); !errors.Is(err, fault.Invalid) {
		t.Errorf("more than all: %v", err)
	}
	if _, err := o.Advance("Again", 1, all); !errors.Is(err, order.ErrNothing) {
		t.Errorf("of nothing: %v", err)
	}
	o.Body.Prepaid = dec("10")
	if o.Body, err = o.Body.With(); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Advance("Part", 100); !errors.Is(err, fault.Unready) {
		t.Errorf("with something prepaid: %v", err)
	}
}

func plain(t *testing.T, net, rate string) order.Order {
	t.Helper()
	b, err := sale.Body{Currency: "EUR", Lines: []sale.Line{
		{Name: "Project", Quantity: dec("1"), UnitPrice: dec(net), Taxes: []totals.Tax{{Category: "S", Rate: dec(rate)}}},
	}}.With()
	if err != nil {
		t.Fatal(err)
	}
	return order.Order{State: order.Open, Title: "E-0001", Body: b}
}

// advances are final invoices: what was agreed, the advances before with their tax, and what is to be paid.
type advances struct {
	net, rate string
	before    [][2]string // net, tax
	want      [3]string   // net, tax, to be paid
}

func (c advances) check(t *testing.T) {
	t.Helper()
	o := plain(t, c.net, c.rate)
	minor := func(s string) int64 {
		n, err := money.Parse(s, "EUR")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var off []order.Issued
	taken := []sale.Body{}
	for n, a := range c.before {
		i := order.Issued{ID: fmt.Sprint("in_", n), Number: fmt.Sprint("2026-", n)}
		if sum := minor(a[0]) + minor(a[1]); sum <= o.Total() {
			b, err := o.Advance("Part", sum, taken...)
			if err != nil {
				t.Fatal(err)
			}
			if b.Totals.Net != minor(a[0]) || b.Totals.Tax != minor(a[1]) {
				t.Errorf("an advance of %v is %d + %d", a, b.Totals.Net, b.Totals.Tax)
			}
			i.Body, taken = b, append(taken, b)
		} else {
			i.Body = plain(t, a[0], c.rate).Body
		}
		off = append(off, i)
	}
	last, err := o.Final("en", off)
	if err != nil {
		t.Fatal(err)
	}
	s := last.Totals
	got := [3]string{money.Format(s.Net, "EUR"), money.Format(s.Tax, "EUR"), money.Format(s.Payable, "EUR")}
	if got != c.want {
		t.Errorf("of %s at %s %% less %v remain %v, want %v", c.net, c.rate, c.before, got, c.want)
	}
	minus := 0
	for _, l := range last.Lines {
		if l.Part != nil && l.Net < 0 && l.Quantity.Sign() < 0 && l.UnitPrice.Sign() > 0 {
			minus++
		}
	}
	if minus != len(c.before) {
		t.Errorf("%d lines take something off, for %d advances", minus, len(c.before))
	}
}

// The final invoice shows all and deducts net and tax of every advance (UStG § 14 (5)). Figures: ledger vectors, deposits.
func TestFinalInvoice(t *testing.T) {
	for _, c := range []advances{
		{"10000.00", "19", [][2]string{{"3000.00", "570.00"}, {"3000.00", "570.00"}}, [3]string{"4000.00", "760.00", "4760.00"}},
		{"500.00", "19", [][2]string{{"600.00", "114.00"}}, [3]string{"-100.00", "-19.00", "-119.00"}},
		// Cumulative rounding (rules.md §5): thirds of 119.00, and the tax is 19.00 in all.
		{"100.00", "19", [][2]string{{"33.34", "6.33"}, {"33.32", "6.34"}}, [3]string{"33.34", "6.33", "39.67"}},
	} {
		c.check(t)
	}
}

func TestFinalInvoiceVectors(t *testing.T) {
	var file struct {
		Deposits struct {
			Cases []struct {
				ID, Kind, Rate string
				Net            string                      `json:"project_net"`
				Advances       []struct{ Net, Tax string } `json:"advances"`
				Expected       map[string]string           `json:"expected"`
			} `json:"cases"`
		} `json:"deposits"`
	}
	vectors.Load(t, "ledger_vectors.json", &file)
	n := 0
	for _, c := range file.Deposits.Cases {
		if c.Kind != "b" {
			continue // a plain prepayment of a visit: no document of its own
		}
		n++
		x := advances{net: c.Net, rate: c.Rate, want: [3]string{c.Expected["payable_net"], c.Expected["payable_tax"], c.Expected["payable"]}}
		for _, a := range c.Advances {
			x.before = append(x.before, [2]string{a.Net, a.Tax})
		}
		t.Run(c.ID, func(t *testing.T) {
			x.check(t)
			if all := c.Expected["total_gross"]; all != "" {
				if got := money.Format(plain(t, c.Net, c.Rate).Total(), "EUR"); got != all {
					t.Errorf("the whole is %s, want %s", got, all)
				}
			}
		})
	}
	if n == 0 {
		t.Error("no case has advances with tax")
	}
}

// Percents that sum to a hundred come to the total, whatever rounding does; and what is wrong is named.
func TestAgree(t *testing.T) {
	third := order.Portion{Percent: dec("33.3333")}
	o := plain(t, "100.01", "19") // 119.01
	err := o.Agree(order.Schedule{
		Deposit: &third, Milestones: []order.MilestoneIn{{Name: "Draft", Portion: third}, {Name: "Print", Portion: order.Portion{Percent: dec("33.3334")}}},
	})
	if err != nil || o.Deposit+o.Milestones[0].Amount+o.Milestones[1].Amount != 11901 {
		t.Errorf("%d %+v %v", o.Deposit, o.Milestones, err)
	}
	for what, c := range map[string]struct {
		s     order.Schedule
		field string
	}{
		"nothing":           {order.Schedule{Deposit: &order.Portion{}}, "deposit.amount"},
		"both":              {order.Schedule{Deposit: &order.Portion{Percent: dec("1"), Amount: 1}}, "deposit.amount"},
		"less than nothing": {order.Schedule{Deposit: &order.Portion{Amount: -1}}, "deposit.amount"},
		"no percent":        {order.Schedule{Deposit: &order.Portion{Percent: dec("0")}}, "deposit.percent"},
		"too many percent":  {order.Schedule{Deposit: &order.Portion{Percent: dec("100.1")}}, "deposit.percent"},
		"nothing of it":     {order.Schedule{Deposit: &order.Portion{Percent: dec("0.0001")}}, "deposit.percent"},
		"more than all":     {order.Schedule{Deposit: &order.Portion{Amount: 11902}}, "deposit"},
		"more together": {order.Schedule{Deposit: &order.Portion{Percent: dec("50")}, Milestones: []order.MilestoneIn{
			{Name: "A", Portion: order.Portion{Percent: dec("51")}}}}, "milestones"},
		"no name": {order.Schedule{Milestones: []order.MilestoneIn{{Name: " ", Portion: third}}}, "milestones[0].name"},
		"one name for two": {order.Schedule{Milestones: []order.MilestoneIn{{Name: "A", Portion: third}, {Name: "A", Portion: third}}},
			"milestones[1].name"},
	} {
		o := plain(t, "100.01", "19")
		var f *fault.Error
		if err := o.Agree(c.s); !errors.As(err, &f) || f.Kind != fault.Invalid || f.Fields[0].Field != c.field {
			t.Errorf("%s: %v", what, err)
		}
	}
}
