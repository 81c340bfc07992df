package totals

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"onebook/internal/fault"
	"onebook/internal/money"

	"github.com/google/go-cmp/cmp"
)

// decode reads a document as the API would, unknown fields refused.
func decode(t testing.TB, text string) Document {
	t.Helper()
	var d Document
	in := json.NewDecoder(strings.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&d); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

// summary writes the figures of a result in one line, in major units.
func summary(r Result) string {
	f := func(n int64) string { return money.Format(n, r.Currency) }
	var b strings.Builder
	for _, l := range r.Lines {
		fmt.Fprintf(&b, "%s ", f(l.Net))
	}
	fmt.Fprintf(&b, "| %s -%s +%s = %s |", f(r.LinesTotal), f(r.AllowancesTotal), f(r.ChargesTotal), f(r.TaxExclusive))
	for _, x := range r.Taxes {
		fmt.Fprintf(&b, " %s %s %s: %s on %s", x.Name, x.Category, x.Rate, f(x.Tax), f(x.Taxable))
		if x.Withheld {
			b.WriteString(" withheld")
		}
		b.WriteString(",")
	}
	fmt.Fprintf(&b, " = %s | %s | %s", f(r.TaxTotal), f(r.TaxInclusive), f(r.Payable))
	return b.String()
}

// The figures that a person would check first, each with where it comes from.
func TestCalculate(t *testing.T) {
	for _, c := range []struct{ name, document, want string }{
		{"api.md: 150.00 at 19 %",
			`{"currency":"EUR","lines":[{"quantity":"1","unitPrice":"100.00","tax":{"category":"S","rate":"19"}}]}`,
			"100.00 | 100.00 -0.00 +0.00 = 100.00 | VAT S 19: 19.00 on 100.00, = 19.00 | 119.00 | 119.00"},
		{"rules.md §1.2: reverse charge shows the net only, whatever rate the buyer accounts with",
			`{"currency":"EUR","lines":[{"quantity":"1","unitPrice":"100.00","tax":{"category":"AE","rate":"21"}}]}`,
			"100.00 | 100.00 -0.00 +0.00 = 100.00 | VAT AE 21: 0.00 on 100.00, = 0.00 | 100.00 | 100.00"},
		{"rules.md §1.2: 52.50 with 12 % in it is 46.87 + 5.63",
			`{"currency":"EUR","pricesIncludeTax":true,"lines":[{"quantity":"1","unitPrice":"52.50","tax":{"category":"S","rate":"12"}}]}`,
			"52.50 | 52.50 -0.00 +0.00 = 46.87 | VAT S 12: 5.63 on 46.87, = 5.63 | 52.50 | 52.50"},
		{"rules.md §1.2: 1039.99 with 21 % in it stays 1039.99",
			`{"currency":"EUR","pricesIncludeTax":true,"lines":[{"quantity":"1","unitPrice":"1039.99","tax":{"category":"S","rate":"21"}}]}`,
			"1039.99 | 1039.99 -0.00 +0.00 = 859.50 | VAT S 21: 180.49 on 859.50, = 180.49 | 1039.99 | 1039.99"},
		{"tax is rounded once per rate, not per line",
			`{"currency":"EUR","lines":[{"quantity":"1","unitPrice":"0.33","tax":{"category":"S","rate":"19"}},{"quantity":"1","unitPrice":"0.33","tax":{"category":"S","rate":"19.00"}},{"quantity":"1","unitPrice":"0.33","tax":{"category":"S","rate":"7"}}]}`,
			"0.33 0.33 0.33 | 0.99 -0.00 +0.00 = 0.99 | VAT S 19: 0.13 on 0.66, VAT S 7: 0.02 on 0.33, = 0.15 | 1.14 | 1.14"},
		{"rates of one category stay apart, and zero rated has its row",
			`{"currency":"EUR","lines":[{"quantity":"2","unitPrice":"10","tax":{"category":"S","rate":"19"}},{"quantity":"1","unitPrice":"10","tax":{"category":"S","rate":"7"}},{"quantity":"1","unitPrice":"5","tax":{"category":"Z"}}]}`,
			"20.00 10.00 5.00 | 35.00 -0.00 +0.00 = 35.00 | VAT S 19: 3.80 on 20.00, VAT S 7: 0.70 on 10.00, VAT Z 0: 0.00 on 5.00, = 4.50 | 39.50 | 39.50"},
		{"line discount, allowance and charge are each of quantity × price, and an amount counts before a percent",
			`{"currency":"EUR","lines":[{"quantity":"3","unitPrice":"33.33","discount":{"percent":"10"},"allowances":[{"percent":"50","amount":"1.00"},{"percent":"5"}],"charges":[{"percent":"1","reason":"Packing"}],"tax":{"category":"S","rate":"19"}}]}`,
			"84.99 | 84.99 -0.00 +0.00 = 84.99 | VAT S 19: 16.15 on 84.99, = 16.15 | 101.14 | 101.14"},
		{"a price for many: 12.50 per 1000",
			`{"currency":"EUR","lines":[{"quantity":"333","unitPrice":"12.50","priceBase":"1000","tax":{"category":"S","rate":"19"}}]}`,
			"4.16 | 4.16 -0.00 +0.00 = 4.16 | VAT S 19: 0.79 on 4.16, = 0.79 | 4.95 | 4.95"},
		{"a discount off the whole is split over the rates, and the odd cent goes to the larger remainder: 3.33 of 100 + 50",
			`{"currency":"EUR","discount":{"amount":"3.33"},"lines":[{"quantity":"1","unitPrice":"100","tax":{"category":"S","rate":"19"}},{"quantity":"1","unitPrice":"50","tax":{"category":"S","rate":"7"}}]}`,
			"100.00 50.00 | 150.00 -3.33 +0.00 = 146.67 | VAT S 19: 18.58 on 97.78, VAT S 7: 3.42 on 48.89, = 22.00 | 168.67 | 168.67"},
		{"a percent with a tax is of the lines with that tax",
			`{"currency":"EUR","allowances":[{"percent":"10","tax":{"category":"S","rate":"19.0"}}],"lines":[{"quantity":"1","unitPrice":"100","tax":{"category":"S","rate":"19"}},{"quantity":"1","unitPrice":"50","tax":{"category":"S","rate":"7"}}]}`,
			"100.00 50.00 | 150.00 -10.00 +0.00 = 140.00 | VAT S 19: 17.10 on 90.00, VAT S 7: 3.50 on 50.00, = 20.60 | 160.60 | 160.60"},
		{"a charge with a tax that no line has",
			`{"currency":"EUR","charges":[{"amount":"4.90","reason":"Shipping","tax":{"category":"S","rate":"19"}}],"lines":[{"quantity":"1","unitPrice":"50","tax":{"category":"S","rate":"7"}}]}`,
			"50.00 | 50.00 -0.00 +4.90 = 54.90 | VAT S 19: 0.93 on 4.90, VAT S 7: 3.50 on 50.00, = 4.43 | 59.33 | 59.33"},
		{"ten per cent off prices that include tax: 90 % of the gross, of each rate",
			`{"currency":"EUR","pricesIncludeTax":true,"discount":{"percent":"10"},"lines":[{"quantity":"1","unitPrice":"119","tax":{"category":"S","rate":"19"}},{"quantity":"1","unitPrice":"107","tax":{"category":"S","rate":"7"}}]}`,
			"119.00 107.00 | 226.00 -22.60 +0.00 = 180.00 | VAT S 19: 17.10 on 90.00, VAT S 7: 6.30 on 90.00, = 23.40 | 203.40 | 203.40"},
		{"Canada: GST and PST side by side",
			`{"currency":"CAD","lines":[{"quantity":"1","unitPrice":"99.99","taxes":[{"name":"GST","category":"S","rate":"5"},{"name":"PST","category":"S","rate":"7"}]},{"quantity":"1","unitPrice":"10","tax":{"name":"GST","category":"S","rate":"5"}}]}`,
			"99.99 10.00 | 109.99 -0.00 +0.00 = 109.99 | GST S 5: 5.50 on 109.99, PST S 7: 7.00 on 99.99, = 12.50 | 122.49 | 122.49"},
		{"Quebec until 2012: QST on the price with GST",
			`{"currency":"CAD","lines":[{"quantity":"1","unitPrice":"100","taxes":[{"name":"GST","category":"S","rate":"5"},{"name":"QST","category":"S","rate":"9.5","compound":true}]}]}`,
			"100.00 | 100.00 -0.00 +0.00 = 100.00 | GST S 5: 5.00 on 100.00, QST S 9.5: 9.98 on 105.00, = 14.98 | 114.98 | 114.98"},
		{"the same with both taxes in the price: 114.98 = 100.00 + 5.00 + 9.98",
			`{"currency":"CAD","pricesIncludeTax":true,"lines":[{"quantity":"1","unitPrice":"114.98","taxes":[{"name":"GST","category":"S","rate":"5"},{"name":"QST","category":"S","rate":"9.5","compound":true}]}]}`,
			"114.98 | 114.98 -0.00 +0.00 = 100.00 | GST S 5: 5.00 on 100.00, QST S 9.5: 9.98 on 105.00, = 14.98 | 114.98 | 114.98"},
		{"a tax on taxes is not on a surcharge",
			`{"currency":"EUR","lines":[{"quantity":"1","unitPrice":"100","taxes":[{"category":"S","rate":"21","surchargeRate":"5.2"},{"name":"Levy","category":"S","rate":"10","compound":true}]}]}`,
			"100.00 | 100.00 -0.00 +0.00 = 100.00 | VAT S 21: 21.00 on 100.00, VAT S 5.2: 5.20 on 100.00, Levy S 10: 12.10 on 121.00, = 38.30 | 138.30 | 138.30"},
		{"Spain: withholding lowers what is payable, not the base",
			`{"currency":"EUR","prepaid":"100","lines":[{"quantity":"1","unitPrice":"1000","taxes":[{"category":"S","rate":"21"},{"name":"IRPF","rate":"15","withheld":true}]}]}`,
			"1000.00 | 1000.00 -0.00 +0.00 = 1000.00 | VAT S 21: 210.00 on 1000.00, IRPF  15: 150.00 on 1000.00 withheld, = 210.00 | 1210.00 | 960.00"},
		{"Spain: the equivalence surcharge is an extra rate on the same base",
			`{"currency":"EUR","lines":[{"quantity":"1","unitPrice":"100","tax":{"category":"S","rate":"21","surchargeRate":"5.2"}},{"quantity":"1","unitPrice":"10","tax":{"category":"S","rate":"21"}}]}`,
			"100.00 10.00 | 110.00 -0.00 +0.00 = 110.00 | VAT S 21: 23.10 on 110.00, VAT S 5.2: 5.20 on 100.00, = 28.30 | 138.30 | 138.30"},
		{"Japan: no decimals, one rounding per rate",
			`{"currency":"JPY","lines":[{"quantity":"1","unitPrice":"15","tax":{"category":"S","rate":"10"}},{"quantity":"1","unitPrice":"25","tax":{"category":"S","rate":"10"}}]}`,
			"15 25 | 40 -0 +0 = 40 | VAT S 10: 4 on 40, = 4 | 44 | 44"},
		{"Tunisia: three decimals (tax_models_vectors.json, scale-TND-42)",
			`{"currency":"TND","lines":[{"quantity":"2","unitPrice":"1.0005","tax":{"category":"S","rate":"19"}},{"quantity":"3","unitPrice":"0.3335","tax":{"category":"S","rate":"7"}},{"quantity":"1","unitPrice":"0.600","tax":{"category":"Z","rate":"0"}}]}`,
			"2.001 1.001 0.600 | 3.602 -0.000 +0.000 = 3.602 | VAT S 19: 0.380 on 2.001, VAT S 7: 0.070 on 1.001, VAT Z 0: 0.000 on 0.600, = 0.450 | 4.052 | 4.052"},
		{"cash rounding changes what is payable and nothing else (ledger_vectors.json, 10.02 by 0.05)",
			`{"currency":"CHF","rounding":"-0.02","lines":[{"quantity":"1","unitPrice":"10.02","tax":{"category":"O"}}]}`,
			"10.02 | 10.02 -0.00 +0.00 = 10.02 | VAT O 0: 0.00 on 10.02, = 0.00 | 10.02 | 10.00"},
		{"more prepaid than due: payable is negative",
			`{"currency":"EUR","prepaid":"20","lines":[{"quantity":"1","unitPrice":"10","tax":{"category":"Z"}}]}`,
			"10.00 | 10.00 -0.00 +0.00 = 10.00 | VAT Z 0: 0.00 on 10.00, = 0.00 | 10.00 | -10.00"},
		{"a final invoice takes off the advance per rate (rules.md §5): 11900 - 7140 = 4760",
			`{"currency":"EUR","lines":[{"quantity":"1","unitPrice":"10000","tax":{"category":"S","rate":"19"}},{"quantity":"-1","unitPrice":"6000","tax":{"category":"S","rate":"19"}}]}`,
			"10000.00 -6000.00 | 4000.00 -0.00 +0.00 = 4000.00 | VAT S 19: 760.00 on 4000.00, = 760.00 | 4760.00 | 4760.00"},
		{"the Canary Islands have their own tax, and it may be zero",
			`{"currency":"EUR","lines":[{"quantity":"1","unitPrice":"100","tax":{"name":"IGIC","category":"L","rate":"7"}},{"quantity":"1","unitPrice":"1","tax":{"name":"IGIC","category":"L","rate":"0"}}]}`,
			"100.00 1.00 | 101.00 -0.00 +0.00 = 101.00 | IGIC L 7: 7.00 on 100.00, IGIC L 0: 0.00 on 1.00, = 7.00 | 108.00 | 108.00"},
		{"an editor's empty document",
			`{"currency":"EUR","discount":{"percent":"10"},"lines":[]}`, "| 0.00 -0.00 +0.00 = 0.00 | = 0.00 | 0.00 | 0.00"},
	} {
		r, err := Calculate(decode(t, c.document))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := summary(r); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// Where a cent could go to two places alike, it goes to the same one however the document was typed.
func TestTiesDoNotDependOnOrder(t *testing.T) {
	const a, b = `{"quantity":"1","unitPrice":"1","tax":{"category":"S","rate":"19"}}`, `{"quantity":"1","unitPrice":"1","tax":{"category":"S","rate":"7"}}`
	for _, lines := range []string{a + "," + b, b + "," + a} { // one cent over two equal rates
		r, err := Calculate(decode(t, `{"currency":"EUR","discount":{"amount":"0.01"},"lines":[`+lines+`]}`))
		if err != nil || len(r.Allowances) != 1 || r.Allowances[0].Taxes[0].Rate.String() != "19" {
			t.Errorf("%s: %+v, %v", lines, r.Allowances, err)
		}
	}
	const one, three = `{"quantity":"1","unitPrice":"0.01","tax":{"category":"S","rate":"100"}}`, `{"quantity":"1","unitPrice":"0.03","tax":{"category":"S","rate":"100"}}`
	for lines, want := range map[string][2]int64{one + "," + three: {0, 2}, three + "," + one: {2, 0}} { // 0.5 and 1.5 cents of a net of 2
		r, err := Calculate(decode(t, `{"currency":"EUR","pricesIncludeTax":true,"lines":[`+lines+`]}`))
		if err != nil || r.Lines[0].TaxExclusive != want[0] || r.Lines[1].TaxExclusive != want[1] {
			t.Errorf("%s: %+v, %v", lines, r.Lines, err)
		}
	}
}

// The answer has the field names of api.md, whole numbers for sums, and lists even when they are empty.
func TestResultReadsAsTheContractSays(t *testing.T) {
	r, err := Calculate(decode(t, `{"currency":"EUR","pricesIncludeTax":true,"taxRounding":"document","prepaid":"9.00","discount":{"percent":"10"},
		"lines":[{"quantity":"2","unitPrice":"59.50","discount":{"amount":"1.00"},"tax":{"category":"S","rate":"19.0"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
 "currency": "EUR",
 "scale": 2,
 "lines": [
  {
   "gross": 11900,
   "allowances": [
    100
   ],
   "net": 11800,
   "taxExclusive": 9916
  }
 ],
 "linesTotal": 11800,
 "allowances": [
  {
   "from": "discount",
   "percent": "10",
   "amount": 1180,
   "taxExclusive": 992,
   "taxes": [
    {
     "name": "VAT",
     "category": "S",
     "rate": "19"
    }
   ]
  }
 ],
 "allowancesTotal": 1180,
 "chargesTotal": 0,
 "taxIncluded": 1696,
 "taxExclusive": 8924,
 "taxes": [
  {
   "name": "VAT",
   "category": "S",
   "rate": "19",
   "taxable": 8924,
   "tax": 1696
  }
 ],
 "taxTotal": 1696,
 "taxInclusive": 10620,
 "withheld": 0,
 "prepaid": 900,
 "rounding": 0,
 "payable": 9720
}`
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Error(diff)
	}
	out, err = json.Marshal(Result{Lines: []LineResult{}, Taxes: []TaxResult{}})
	if err != nil || strings.Contains(string(out), "null") {
		t.Errorf("%s, %v", out, err)
	}
}

// A wrong document is answered with every wrong field by its path, so that a form can mark them all at once.
func TestEveryWrongFieldIsNamed(t *testing.T) {
	line := func(s string) string { return `{"currency":"EUR","lines":[` + s + `]}` }
	many := func(n int, s string) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }
	good := `{"quantity":"1","unitPrice":"1","tax":{"category":"S","rate":"19"}}`
	for _, c := range []struct{ document, want string }{
		{`{"currency":"XXX","lines":[]}`, "currency:unknown_currency"},
		{`{"currency":"","taxRounding":"never","lines":[]}`, "currency:unknown_currency taxRounding:unknown_rounding"},
		{line(`{}`), "lines[0].quantity:required lines[0].unitPrice:required lines[0].tax:required"},
		{line(good + `,{"quantity":"1","unitPrice":"-1","tax":{"category":"S","rate":"19"}}`), "lines[1].unitPrice:negative_price"},
		{line(`{"quantity":"1","unitPrice":"1","priceBase":"0","tax":{"category":"S","rate":"19"}}`), "lines[0].priceBase:out_of_range"},
		{line(`{"quantity":"1","unitPrice":"1","tax":{"category":"VAT","rate":"19"}}`), "lines[0].tax.category:unknown_category"},
		{line(`{"quantity":"1","unitPrice":"1","tax":{"category":"s","rate":"19"}}`), "lines[0].tax.category:unknown_category"},
		{line(`{"quantity":"1","unitPrice":"1","tax":{"rate":"19"}}`), "lines[0].tax.category:required"},
		{line(`{"quantity":"1","unitPrice":"1","tax":{"category":"S"}}`), "lines[0].tax.rate:required"},
		{line(`{"quantity":"1","unitPrice":"1","tax":{"category":"S","rate":"0.00"}}`), "lines[0].tax.rate:out_of_range"},
		{line(`{"quantity":"1","unitPrice":"1","tax":{"category":"L"}}`), "lines[0].tax.rate:required"},
		{line(`{"quantity":"1","unitPrice":"1","tax":{"category":"S","rate":"-19"}}`), "lines[0].tax.rate:out_of_range"},
		{line(`{"quantity":"1","unitPrice":"1","tax":{"category":"S","rate":"1900"}}`), "lines[0].tax.rate:out_of_range"},
		{line(`{"quantity":"1","unitPrice":"1","tax":{"category":"Z","rate":"19"}}`), "lines[0].tax.rate:out_of_range"},
		{line(`{"quantity":"1","unitPrice":"1","tax":{"category":"E","rate":"19"}}`), "lines[0].tax.rate:out_of_range"},
		{line(`{"quantity":"1","unitPrice":"1","tax":{"category":"K","rate":"19"}}`), "lines[0].tax.rate:out_of_range"},
		{line(`{"quantity":"1","unitPrice":"1","tax":{"category":"G","rate":"19"}}`), "lines[0].tax.rate:out_of_range"},
		{line(`{"quantity":"1","unitPrice":"1","tax":{"category":"O","rate":"19"}}`), "lines[0].tax.rate:out_of_range"},
		{line(`{"quantity":"1","unitPrice":"1","tax":{"category":"AE","rate":"-1"}}`), "lines[0].tax.rate:out_of_range"},
		{line(`{"quantity":"1","unitPrice":"1","tax":{"category":"Z"},"taxes":[{"category":"Z"}]}`), "lines[0].tax:ambiguous"},
		{line(`{"quantity":"1","unitPrice":"1","taxes":[{"category":"S","rate":"19"},{"name":"VAT","category":"S","rate":"19.0"}]}`), "lines[0].taxes[1]:twice"},
		{line(`{"quantity":"1","unitPrice":"1","taxes":[{"category":"S","rate":"21","surchargeRate":"1"},{"category":"S","rate":"10","surchargeRate":"1"}]}`), "lines[0].taxes[1]:twice"},
		{line(`{"quantity":"1","unitPrice":"1","taxes":[{"name":"IRPF","withheld":true}]}`), "lines[0].taxes[0].rate:required"},
		{line(`{"quantity":"1","unitPrice":"1","taxes":[{"name":"IRPF","rate":"15","withheld":true,"compound":true}]}`), "lines[0].taxes[0].compound:out_of_place"},
		{line(`{"quantity":"1","unitPrice":"1","tax":{"category":"Z","surchargeRate":"5.2"}}`), "lines[0].tax.surchargeRate:out_of_place"},
		{line(`{"quantity":"1","unitPrice":"1","tax":{"category":"S","rate":"21","surchargeRate":"-5.2"}}`), "lines[0].tax.surchargeRate:out_of_range"},
		{line(`{"quantity":"1","unitPrice":"1","taxes":[` + many(11, `{"category":"Z"}`) + `]}`), "lines[0].taxes:too_many"},
		{line(`{"quantity":"1","unitPrice":"1","discount":{},"tax":{"category":"Z"}}`), "lines[0].discount:required"},
		{line(`{"quantity":"1","unitPrice":"1","discount":{"percent":"101"},"tax":{"category":"Z"}}`), "lines[0].discount.percent:out_of_range"},
		{line(`{"quantity":"1","unitPrice":"1","allowances":[{"amount":"1"},{"percent":"-1"}],"tax":{"category":"Z"}}`), "lines[0].allowances[1].percent:out_of_range"},
		{line(`{"quantity":"1","unitPrice":"1","charges":[{"reason":"why"}],"tax":{"category":"Z"}}`), "lines[0].charges[0]:required"},
		{line(`{"quantity":"1","unitPrice":"1","charges":[` + many(101, `{"amount":"1"}`) + `],"tax":{"category":"Z"}}`), "lines[0].charges:too_many"},
		{line(many(1001, good)), "lines:too_many"},
		{`{"currency":"EUR","lines":[` + good + `],"discount":{"percent":"150"},"allowances":[{"tax":{"category":"S"}}],"charges":[{"percent":"1001","tax":{"category":"Z"}}]}`,
			"discount.percent:out_of_range allowances[0]:required allowances[0].tax.rate:required charges[0].percent:out_of_range"},
		{`{"currency":"EUR","lines":[` + good + `],"charges":[{"percent":"5","tax":{"category":"Z"}}]}`, "charges[0].percent:no_base"},
		{`{"currency":"EUR","lines":[],"charges":[{"amount":"5"}]}`, "charges[0].tax:required"},
		{`{"currency":"EUR","lines":[],"prepaid":"0.001","rounding":"0.001"}`, "prepaid:too_many_decimals rounding:too_many_decimals"},
		{line(`{"quantity":"9999999999999999","unitPrice":"1","tax":{"category":"Z"}},` + good + `,{"quantity":"1","unitPrice":"9999999999999999","tax":{"category":"Z"}}`),
			"lines[0]:too_large lines[2]:too_large"},
		{line(`{"quantity":"90071992547409.91","unitPrice":"1","tax":{"category":"Z"}},` + good), "lines:too_large"},
		{line(`{"quantity":"90071992547409.91","unitPrice":"1","tax":{"category":"S","rate":"1"}}`), "lines:too_large"},
		{`{"currency":"EUR","lines":[],"prepaid":"9999999999999999"}`, "prepaid:too_large"},
	} {
		r, err := Calculate(decode(t, c.document))
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.Invalid {
			t.Errorf("%.200s: %s, %v; want %s", c.document, summary(r), err, c.want)
			continue
		}
		var got []string
		for _, f := range e.Fields {
			got = append(got, f.Field+":"+f.Code)
			if len(f.Message) < 15 || strings.Contains(f.Message, "%!") {
				t.Errorf("%s says %q", f.Field, f.Message)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%.200s:\n got %s\nwant %s", c.document, strings.Join(got, " "), c.want)
		}
	}
}

// EN 16931 forbids what other countries do: O beside another category, a rate on reverse charge.
func TestEN16931IsAskedApart(t *testing.T) {
	line := func(tax string) string { return `{"quantity":"1","unitPrice":"1","tax":` + tax + `}` }
	const s, o, ae, ae5 = `{"category":"S","rate":"5"}`, `{"category":"O"}`, `{"category":"AE","rate":"0"}`, `{"category":"AE","rate":"5"}`
	for _, c := range []struct {
		document string
		want     []string
	}{
		{line(s) + "," + line(ae), nil},
		{line(o) + "," + line(o), nil},
		{line(o) + `,{"quantity":"1","unitPrice":"1","taxes":[{"category":"O"},{"name":"IRPF","rate":"15","withheld":true}]}`, nil},
		{line(o) + "," + line(s), []string{"lines[0].tax.category"}},
		{line(s) + "," + line(ae5), []string{"lines[1].tax.rate"}},
	} {
		d := decode(t, `{"currency":"AED","lines":[`+c.document+`]}`)
		if _, err := Calculate(d); err != nil {
			t.Errorf("%s cannot be worked out: %v", c.document, err)
		}
		var got []string
		var e *fault.Error
		if errors.As(d.CheckEN16931(), &e) {
			for _, f := range e.Fields {
				got = append(got, f.Field)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.document, diff)
		}
	}
	d := decode(t, `{"currency":"EUR","lines":[`+line(o)+`],"charges":[{"amount":"1","tax":{"category":"S","rate":"19"}}],"allowances":[{"amount":"1","tax":{"category":"O"}}]}`)
	if err := d.CheckEN16931(); !errors.Is(err, fault.Invalid) {
		t.Errorf("a taxed charge beside O: %v", err)
	}
}
