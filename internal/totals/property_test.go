package totals

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"math/rand"
	"slices"
	"testing"

	"onebook/internal/fault"
	"onebook/internal/money"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// menu is what places tax a line with.
var menu = [][]Tax{
	{{Category: "S", Rate: dec("19")}},
	{{Category: "S", Rate: dec("19.0")}}, // the same, written otherwise
	{{Category: "S", Rate: dec("7")}},
	{{Category: "S", Rate: dec("21"), SurchargeRate: dec("5.2")}},
	{{Category: "S", Rate: dec("21")}},
	{{Category: "Z"}},
	{{Category: "E", Rate: dec("0")}},
	{{Category: "AE", Rate: dec("21")}},
	{{Category: "K"}},
	{{Name: "GST", Category: "S", Rate: dec("5")}},
	{{Name: "GST", Category: "S", Rate: dec("5")}, {Name: "PST", Category: "S", Rate: dec("7")}},
	{{Name: "QST", Category: "S", Rate: dec("9.975"), Compound: true}, {Name: "GST", Category: "S", Rate: dec("5")}},
	{{Category: "S", Rate: dec("22")}, {Name: "IRPF", Rate: dec("20"), Withheld: true}},
	{{Name: "CGST", Category: "S", Rate: dec("9")}, {Name: "SGST", Category: "S", Rate: dec("9")}},
}

func dec(s string) money.Decimal {
	d, err := money.ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

func drawDecimal(t *rapid.T, label string, low, high, decimals int) money.Decimal {
	n := rapid.IntRange(low, high).Draw(t, label)
	places := rapid.IntRange(0, decimals).Draw(t, label+" decimals")
	return dec(new(big.Rat).SetFrac(big.NewInt(int64(n)), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil)).FloatString(places))
}

func drawAllowances(t *rapid.T, label string) []Allowance {
	var out []Allowance
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, label) {
		if rapid.Bool().Draw(t, label+" by percent") {
			out = append(out, Allowance{Percent: drawDecimal(t, label+" percent", 0, 100, 2)})
		} else {
			out = append(out, Allowance{Amount: drawDecimal(t, label+" amount", -500, 5000, 3)})
		}
	}
	return out
}

func drawAdjustments(t *rapid.T, label string, lines []Line) []Adjustment {
	var out []Adjustment
	for _, a := range drawAllowances(t, label) {
		adjustment := Adjustment{Percent: a.Percent, Amount: a.Amount, Reason: "agreed"}
		if rapid.Bool().Draw(t, label+" taxed") {
			adjustment.Taxes = rapid.SampledFrom(lines).Draw(t, label+" as").Taxes
		}
		out = append(out, adjustment)
	}
	return out
}

func drawDocument(t *rapid.T) Document {
	d := Document{
		Currency:         rapid.SampledFrom([]string{"EUR", "EUR", "JPY", "KWD"}).Draw(t, "currency"),
		PricesIncludeTax: rapid.Bool().Draw(t, "prices include tax"),
		TaxRounding:      rapid.SampledFrom([]TaxRounding{"", PerDocument, PerLine}).Draw(t, "tax rounding"),
		Prepaid:          dec(fmt.Sprint(rapid.IntRange(0, 200).Draw(t, "prepaid"))),
		Rounding:         dec(fmt.Sprint(rapid.IntRange(-1, 1).Draw(t, "rounding"))),
	}
	for range rapid.IntRange(1, 8).Draw(t, "lines") {
		l := Line{
			Quantity:   drawDecimal(t, "quantity", -300, 3000, 3),
			UnitPrice:  drawDecimal(t, "price", 0, 99999, 5),
			Allowances: drawAllowances(t, "allowance"),
			Charges:    drawAllowances(t, "charge"),
			Taxes:      rapid.SampledFrom(menu).Draw(t, "taxes"),
		}
		if rapid.Bool().Draw(t, "price base") {
			l.PriceBase = drawDecimal(t, "base", 1, 1000, 2)
		}
		if rapid.Bool().Draw(t, "discount") {
			l.Discount = &Discount{Percent: drawDecimal(t, "discount percent", 0, 100, 1)}
		}
		d.Lines = append(d.Lines, l)
	}
	d.Allowances = drawAdjustments(t, "document allowance", d.Lines)
	d.Charges = drawAdjustments(t, "document charge", d.Lines)
	if rapid.Bool().Draw(t, "document discount") {
		d.Discount = &Discount{Percent: drawDecimal(t, "document percent", 0, 100, 1)}
	}
	return d
}

// calculated skips the one document of chance that has no answer: something to spread over lines that come to zero.
func calculated(t *rapid.T, d Document) (Result, bool) {
	r, err := Calculate(d)
	var e *fault.Error
	if errors.As(err, &e) && len(e.Fields) > 0 && !slices.ContainsFunc(e.Fields, func(f fault.Field) bool { return f.Code != "required" }) {
		return r, false
	}
	if err != nil {
		t.Fatal(err)
	}
	return r, true
}

// Whatever is invoiced, every sum on the page adds up to the last cent.
func TestEverySumAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t)
		r, ok := calculated(t, d)
		if !ok {
			return
		}
		addsUp(t, d, r)
	})
}

func addsUp(t interface{ Fatalf(string, ...any) }, d Document, r Result) {
	same := func(what string, a, b int64) {
		if a != b {
			t.Fatalf("%s: %d is not %d, in %+v", what, a, b, r)
		}
	}
	var lines, exclusive, allowances, charges, taxes, withheld, surcharges int64
	for i, l := range r.Lines {
		net := l.Gross
		for _, a := range l.Allowances {
			net -= a
		}
		for _, a := range l.Charges {
			net += a
		}
		same(fmt.Sprintf("net of line %d", i), l.Net, net)
		lines += l.Net
		exclusive += l.TaxExclusive
	}
	for _, a := range r.Allowances {
		allowances += a.Amount
		exclusive -= a.TaxExclusive
	}
	for _, a := range r.Charges {
		charges += a.Amount
		exclusive += a.TaxExclusive
	}
	for _, x := range r.Taxes {
		switch {
		case x.Withheld:
			withheld += x.Tax
		case x.Surcharge:
			surcharges += x.Tax
			taxes += x.Tax
		default:
			taxes += x.Tax
		}
		if untaxed(x.Category) {
			same("tax of "+x.Category, x.Tax, 0)
		}
	}
	same("BT-106", r.LinesTotal, lines)
	same("BT-107", r.AllowancesTotal, allowances)
	same("BT-108", r.ChargesTotal, charges)
	same("BT-109", r.TaxExclusive, lines-allowances+charges-r.TaxIncluded)
	same("what lines, allowances and charges are without tax", r.TaxExclusive, exclusive)
	same("BT-110", r.TaxTotal, taxes)
	same("BT-112", r.TaxInclusive, r.TaxExclusive+taxes)
	same("withheld", r.Withheld, withheld)
	same("BT-115", r.Payable, r.TaxInclusive-withheld-r.Prepaid+r.Rounding)
	if d.PricesIncludeTax {
		same("what the prices said", r.TaxInclusive-surcharges, lines-allowances+charges)
	} else {
		same("tax in prices without tax", r.TaxIncluded, 0)
	}
}

// model works a document out again, naively and with other means: exact fractions, one pass per row, rounding by
// adding a half. Allowances and charges it takes from the result as they were spread; that they are spread well has
// its own test.
func model(d Document, r Result) map[string][2]int64 {
	type part struct {
		amount *big.Rat
		taxes  []Tax
	}
	var parts []part
	for i, l := range d.Lines {
		parts = append(parts, part{new(big.Rat).SetInt64(r.Lines[i].Net), l.Taxes})
	}
	for _, a := range r.Allowances {
		parts = append(parts, part{new(big.Rat).SetInt64(-a.Amount), a.Taxes})
	}
	for _, a := range r.Charges {
		parts = append(parts, part{new(big.Rat).SetInt64(a.Amount), a.Taxes})
	}
	rate := func(x Tax) *big.Rat {
		if untaxed(x.Category) {
			return new(big.Rat)
		}
		return new(big.Rat).Quo(x.Rate.Rat(), big.NewRat(100, 1))
	}
	taxable, tax := map[string]*big.Rat{}, map[string]*big.Rat{}
	for _, p := range parts {
		divisor := big.NewRat(1, 1)
		if d.PricesIncludeTax {
			for _, x := range p.taxes {
				if !x.Withheld {
					divisor.Add(divisor, rate(x))
				}
			}
		}
		net := new(big.Rat).Quo(p.amount, divisor)
		for _, x := range p.taxes {
			k := x.name() + " " + x.Category + " " + rate(x).RatString()
			if taxable[k] == nil {
				taxable[k], tax[k] = new(big.Rat), new(big.Rat)
			}
			taxable[k].Add(taxable[k], net)
			tax[k].Add(tax[k], new(big.Rat).Mul(net, rate(x)))
		}
	}
	out := map[string][2]int64{}
	for k := range tax {
		out[k] = [2]int64{nearest(taxable[k]), nearest(tax[k])}
	}
	return out
}

// nearest rounds half away from zero by adding a half to the size and cutting.
func nearest(x *big.Rat) int64 {
	size := new(big.Rat).Abs(x)
	size.Add(size, big.NewRat(1, 2))
	return new(big.Int).Quo(size.Num(), size.Denom()).Int64() * int64(x.Sign())
}

// The breakdown is what a second, independent calculation says, to the unit.
func TestTaxIsWhatTheModelSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t)
		d.TaxRounding = PerDocument
		for i, l := range d.Lines { // the model knows no taxes on taxes
			if slices.ContainsFunc(l.Taxes, func(x Tax) bool { return x.Compound || x.SurchargeRate.Given() }) {
				d.Lines[i].Taxes = menu[0]
			}
		}
		for _, list := range [][]Adjustment{d.Allowances, d.Charges} {
			for i := range list {
				list[i].Taxes = nil
			}
		}
		r, ok := calculated(t, d)
		if !ok {
			return
		}
		got, want := map[string][2]int64{}, model(d, r)
		for _, x := range r.Taxes {
			rate := new(big.Rat)
			if !untaxed(x.Category) {
				rate.Quo(x.Rate.Rat(), big.NewRat(100, 1))
			}
			k := x.Name + " " + x.Category + " " + rate.RatString()
			row := got[k]
			got[k] = [2]int64{row[0] + x.Taxable, row[1] + x.Tax}
		}
		if !d.PricesIncludeTax {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("(-model +got)\n%s", diff)
			}
			return
		}
		// With tax in the prices the net is what is left, so only the tax is rounded as the model does it.
		for k, w := range want {
			if got[k][1] != w[1] || abs(got[k][0]-w[0]) > 2 {
				t.Fatalf("%s: %v, the model says %v", k, got[k], w)
			}
		}
	})
}

func abs(n int64) int64 { return max(n, -n) }

// On prices without tax each row is its rate times what it is on, as a reader would check it (BR-CO-17).
func TestRowsCanBeChecked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t)
		d.PricesIncludeTax, d.TaxRounding = false, PerDocument
		r, ok := calculated(t, d)
		if !ok {
			return
		}
		for _, x := range r.Taxes {
			want := new(big.Rat).Mul(new(big.Rat).SetInt64(x.Taxable), x.Rate.Rat())
			if want.Quo(want, big.NewRat(100, 1)); !untaxed(x.Category) && nearest(want) != x.Tax {
				t.Fatalf("%+v should be %s", x, want.FloatString(3))
			}
		}
	})
}

// Rounding per line differs from rounding once by at most half a unit for each line, allowance and charge.
func TestPerLineIsNear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t)
		d.TaxRounding = PerDocument
		once, ok := calculated(t, d)
		if !ok {
			return
		}
		d.TaxRounding = PerLine
		each, _ := calculated(t, d)
		n := int64(len(d.Lines)+len(once.Allowances)+len(once.Charges)) + 1
		if len(each.Taxes) != len(once.Taxes) {
			t.Fatalf("%d rows against %d", len(each.Taxes), len(once.Taxes))
		}
		for i, x := range each.Taxes {
			if abs(x.Tax-once.Taxes[i].Tax) > n {
				t.Fatalf("%+v against %+v", x, once.Taxes[i])
			}
		}
	})
}

// The order in which lines, allowances and charges were typed changes no figure.
func TestOrderChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t)
		r, ok := calculated(t, d)
		if !ok {
			return
		}
		chance := rand.New(rand.NewSource(rapid.Int64().Draw(t, "order")))
		e := d
		e.Lines, e.Allowances, e.Charges = slices.Clone(d.Lines), slices.Clone(d.Allowances), slices.Clone(d.Charges)
		lines := slices.Clone(r.Lines)
		chance.Shuffle(len(e.Lines), func(i, j int) {
			e.Lines[i], e.Lines[j] = e.Lines[j], e.Lines[i]
			lines[i], lines[j] = lines[j], lines[i]
		})
		chance.Shuffle(len(e.Allowances), func(i, j int) { e.Allowances[i], e.Allowances[j] = e.Allowances[j], e.Allowances[i] })
		chance.Shuffle(len(e.Charges), func(i, j int) { e.Charges[i], e.Charges[j] = e.Charges[j], e.Charges[i] })
		moved, _ := calculated(t, e)
		for i := range lines {
			if lines[i].Net != moved.Lines[i].Net {
				t.Fatalf("a line of %d comes to %d", lines[i].Net, moved.Lines[i].Net)
			}
		}
		sums := cmpopts.IgnoreFields(Result{}, "Lines", "Allowances", "Charges")
		if diff := cmp.Diff(r, moved, sums, decimals); diff != "" {
			t.Fatalf("moved (-before +after)\n%s", diff)
		}
		// What a line is without tax may swap a cent with another line or adjustment of exactly the same amount.
		if diff := cmp.Diff(exclusives(r), exclusives(moved)); diff != "" {
			t.Fatalf("without tax (-before +after)\n%s", diff)
		}
	})
}

var decimals = cmp.Comparer(func(a, b money.Decimal) bool { return a == b })

func exclusives(r Result) []int64 {
	var out []int64
	for _, l := range r.Lines {
		out = append(out, l.TaxExclusive)
	}
	for _, a := range r.Allowances {
		out = append(out, -a.TaxExclusive)
	}
	for _, a := range r.Charges {
		out = append(out, a.TaxExclusive)
	}
	slices.Sort(out)
	return out
}

// A credit note over a whole invoice is the invoice with the other sign, in every figure.
func TestCreditMirrorsInvoice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t)
		before, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		r, ok := calculated(t, d)
		if !ok {
			return
		}
		mirror, _ := calculated(t, d.Negate())
		if diff := cmp.Diff(r.Negate(), mirror, decimals); diff != "" {
			t.Fatalf("(-negated +calculated)\n%s", diff)
		}
		if after, _ := json.Marshal(d); string(after) != string(before) {
			t.Fatal("the document was changed")
		}
	})
}

// A discount off the whole is spread without losing a cent, and no tax bears a whole unit more than its share.
func TestDiscountIsSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t)
		d.Allowances, d.Charges = nil, nil
		for i := range d.Lines { // as shops sell: nothing negative
			d.Lines[i].Quantity, d.Lines[i].Allowances = dec("2"), nil
			d.Lines[i].Charges = nil
		}
		d.Discount = &Discount{Amount: drawDecimal(t, "off", 0, 99999, 2)}
		r, ok := calculated(t, d)
		if !ok {
			return
		}
		var sum, base int64
		groups := map[string]int64{}
		for i, l := range d.Lines {
			groups[mixOf(l.Taxes).key] += r.Lines[i].Net
			base += r.Lines[i].Net
		}
		for _, a := range r.Allowances {
			exact := big.NewRat(1, 1).SetFrac(new(big.Int).Mul(big.NewInt(r.AllowancesTotal), big.NewInt(groups[mixOf(a.Taxes).key])), big.NewInt(base))
			if exact.Sub(exact, new(big.Rat).SetInt64(a.Amount)); exact.Abs(exact).Cmp(big.NewRat(1, 1)) >= 0 {
				t.Fatalf("%+v of %d over %v", a, r.AllowancesTotal, groups)
			}
			sum += a.Amount
		}
		if want, _ := d.Discount.Amount.RoundMinor(d.Currency); sum != want || r.AllowancesTotal != want {
			t.Fatalf("%d and %d were taken off, not %d", sum, r.AllowancesTotal, want)
		}
	})
}

// A thousand lines are worked out; figures a million times too large are refused, and never come out wrong.
func TestLargeDocuments(t *testing.T) {
	d := Document{Currency: "EUR"}
	for i := range MaxLines {
		d.Lines = append(d.Lines, Line{Quantity: dec("1"), UnitPrice: dec("0.33"), Taxes: menu[i%len(menu)]})
	}
	r, err := Calculate(d)
	if err != nil || r.LinesTotal != 33000 {
		t.Fatalf("%d, %v", r.LinesTotal, err)
	}
	addsUp(t, d, r)
	for i := range d.Lines {
		d.Lines[i].Quantity, d.Lines[i].UnitPrice = dec("1000000"), dec("1000000.00")
	}
	if r, err := Calculate(d); !errors.Is(err, fault.Invalid) {
		t.Errorf("a thousand lines of a billion: %s, %v", summary(r), err)
	}
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t)
		for i := range d.Lines {
			d.Lines[i].Quantity = dec(fmt.Sprint(rapid.Int64Range(-1e15, 1e15).Draw(t, "huge quantity")))
		}
		r, err := Calculate(d)
		if err != nil {
			if !errors.Is(err, fault.Invalid) || len(r.Lines) > 0 {
				t.Fatal(err)
			}
			return
		}
		addsUp(t, d, r)
		if r.Payable > money.Max || r.Payable < -money.Max {
			t.Fatalf("%d is payable", r.Payable)
		}
	})
}

// Whatever arrives as a document is worked out to sums that add up, or refused as invalid; and a document that was
// stored and read again comes to the same.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(`{"currency":"EUR","lines":[{"quantity":"1","unitPrice":"52.50","tax":{"category":"S","rate":"12"}}],"pricesIncludeTax":true}`))
	f.Add([]byte(`{"currency":"KWD","taxRounding":"line","discount":{"percent":"12.5"},"prepaid":"1","rounding":"-0.001","lines":[{"quantity":"-1.5","unitPrice":"0.0005","priceBase":"3","discount":{"amount":"1"},"allowances":[{"percent":"1"}],"charges":[{"amount":"-1","reason":"x"}],"taxes":[{"name":"GST","category":"S","rate":"5"},{"name":"PST","category":"S","rate":"7","compound":true},{"name":"W","rate":"1","withheld":true}]}],"allowances":[{"amount":"1","tax":{"category":"S","rate":"21","surchargeRate":"5.2"}}],"charges":[{"percent":"3"}]}`))
	f.Add([]byte(`{"currency":"JPY","lines":[{"quantity":"9999999999999999","unitPrice":"9999999999999999","tax":{"category":"O"}}]}`))
	f.Add([]byte(`{"lines":null,"discount":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var d Document
		if json.Unmarshal(text, &d) != nil {
			return
		}
		r, err := Calculate(d)
		if err != nil {
			var e *fault.Error
			if !errors.As(err, &e) || e.Kind != fault.Invalid || len(e.Fields) == 0 {
				t.Fatalf("%v", err)
			}
			return
		}
		addsUp(t, d, r)
		stored, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var e Document
		if err := json.Unmarshal(stored, &e); err != nil {
			t.Fatal(err)
		}
		again, err := Calculate(e)
		if diff := cmp.Diff(r, again, decimals); err != nil || diff != "" {
			t.Fatalf("%v %s", err, diff)
		}
	})
}
