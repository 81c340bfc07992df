package vectors

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"onebook/internal/money"
)

// Invoices loads totals_vectors.json.
func Invoices(t testing.TB) []Invoice {
	t.Helper()
	var all []Invoice
	Load(t, "totals_vectors.json", &all)
	return all
}

// categories maps the category names of other countries and programs to ours.
var categories = map[string]string{
	"standard": "S", "SR": "S", "AA": "S", "B": "S", "HVG": "S", "TTX": "S", "N": "S", // AA reduced, B split payment (IT), HVG, TTX Malaysia, N margin scheme (AE)
	"zero": "Z", "ZR": "Z", "exempt": "E", "reverse-charge": "AE", "intra-community": "K", "export": "G", "outside-scope": "O",
}

// Invoice is a real invoice or credit note of totals_vectors.json; numbers are decimal strings. See the README beside
// the file.
type Invoice struct {
	ID, Currency, Prepaid, Rounding string
	PricesInclude                   string `json:"prices_include"`
	Lines                           []invoiceLine
	Allowances                      []invoiceAdjustment `json:"document_allowances"`
	Charges                         []invoiceAdjustment `json:"document_charges"`
	Expected                        struct {
		LinesTotal   *string `json:"sum_of_lines"`
		Allowances   *string `json:"allowance_total"`
		Charges      *string `json:"charge_total"`
		TaxIncluded  *string `json:"tax_included"`
		TaxExclusive *string `json:"tax_exclusive"`
		TaxTotal     *string `json:"tax_total"`
		TaxInclusive *string `json:"tax_inclusive"`
		Withheld     *string
		Payable      *string
		Rows         []invoiceRow `json:"tax_by_rate"`
	}
	Flags []string
	Check struct {
		Level string
		Scale int
	}
}

type invoiceLine struct {
	invoiceTax
	ID, Quantity, Status string
	UnitPrice            string              `json:"unit_price"`
	PriceBase            string              `json:"price_base_quantity"`
	Allowances           []invoiceAdjustment `json:"line_allowances"`
	Charges              []invoiceAdjustment `json:"line_charges"`
	Taxes                []invoiceTax
	Net                  string `json:"expected_line_net"`
}

type invoiceTax struct {
	Scheme    string `json:"tax_scheme"`
	Category  string `json:"tax_category"`
	Rate      string `json:"tax_rate"`
	Surcharge string
	Retained  bool
}

type invoiceAdjustment struct {
	invoiceTax
	Amount, Percent, Reason string
	Taxes                   []invoiceTax
}

type invoiceRow struct {
	Scheme                       string `json:"tax_scheme"`
	Category, Rate, Taxable, Tax string
	Retained                     bool
	SurchargeTax                 string `json:"surcharge_tax"`
	SurchargeRate                string `json:"surcharge_rate"`
}

// decimal writes a number of an invoice as the API takes it: some have a plus, or a bare point at the end.
func decimal(s string) string {
	return cmp.Or(strings.TrimPrefix(strings.TrimSuffix(s, "."), "+"), "0")
}

func rat(t testing.TB, s string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(decimal(s))
	if !ok {
		t.Fatalf("%q is no number", s)
	}
	return r
}

func (v invoiceTax) tax() object {
	out := object{"category": cmp.Or(categories[v.Category], v.Category)}
	if v.Scheme != "" && v.Scheme != "VAT" {
		out["name"] = v.Scheme
	}
	if v.Rate != "" {
		out["rate"] = decimal(v.Rate)
	}
	if v.Surcharge != "" {
		out["surchargeRate"] = decimal(v.Surcharge)
	}
	switch {
	case v.Retained:
		out["withheld"] = true
		delete(out, "category")
	case v.Category == "" && v.Rate != "": // taxes outside Europe have a rate and no category
		out["category"] = "S"
	case v.Category == "":
		out["category"] = "O"
	}
	return out
}

type object = map[string]any

func put(to object, short invoiceTax, taxes []invoiceTax) {
	if len(taxes) == 0 {
		to["tax"] = short.tax()
		return
	}
	var list []object
	for _, t := range taxes {
		list = append(list, t.tax())
	}
	to["taxes"] = list
}

// Request writes an invoice as the body of POST /totals. Level B starts from the lines' net amounts: one line each, or
// where those have more decimals than the document, one line with the sum of each tax.
func (v Invoice) Request(t testing.TB) map[string]any {
	t.Helper()
	lines := []object{}
	fine := map[string]*big.Rat{}
	shape := map[string]object{}
	for _, l := range v.Lines {
		if l.Status == "GROUP" { // only repeats the sum of the lines below it
			continue
		}
		line := object{"quantity": decimal(l.Quantity), "unitPrice": decimal(l.UnitPrice), "priceBase": decimal(cmp.Or(l.PriceBase, "1")),
			"allowances": adjustments(l.Allowances, false), "charges": adjustments(l.Charges, false)}
		put(line, l.invoiceTax, l.Taxes)
		if v.Check.Level == "B" {
			tax, _ := json.Marshal([]any{line["tax"], line["taxes"]})
			if fine[string(tax)] == nil {
				fine[string(tax)], shape[string(tax)] = new(big.Rat), object{"tax": line["tax"]}
			}
			fine[string(tax)].Add(fine[string(tax)], rat(t, l.Net))
			line["quantity"], line["unitPrice"], line["priceBase"] = "1", strings.TrimPrefix(decimal(l.Net), "-"), "1"
			if strings.HasPrefix(l.Net, "-") {
				line["quantity"] = "-1"
			}
			delete(line, "allowances")
			delete(line, "charges")
		}
		lines = append(lines, line)
	}
	if v.Check.Level == "B" && v.tooFine(t) {
		lines = lines[:0]
		for key, sum := range fine {
			line := shape[key]
			line["quantity"], line["unitPrice"] = fmt.Sprint(cmp.Or(sum.Sign(), 1)), new(big.Rat).Abs(sum).FloatString(8)
			lines = append(lines, line)
		}
	}
	return object{"currency": v.standIn(t), "lines": lines, "pricesIncludeTax": v.PricesInclude != "",
		"allowances": adjustments(v.Allowances, true), "charges": adjustments(v.Charges, true),
		"prepaid": decimal(v.Prepaid), "rounding": decimal(v.Rounding)}
}

func adjustments(list []invoiceAdjustment, taxes bool) []object {
	out := []object{}
	for _, a := range list {
		o := object{"amount": decimal(a.Amount)}
		if a.Percent != "" {
			o["percent"] = decimal(a.Percent)
		}
		if taxes {
			put(o, a.invoiceTax, a.Taxes)
		}
		out = append(out, o)
	}
	return out
}

// tooFine reports whether a line's net has more decimals than the document.
func (v Invoice) tooFine(t testing.TB) bool {
	unit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(v.Check.Scale)), nil))
	return slices.ContainsFunc(v.Lines, func(l invoiceLine) bool { return !new(big.Rat).Mul(rat(t, l.Net), unit).IsInt() })
}

// standIn is the currency an invoice is worked out in: its own, or one that has the decimals its figures were made
// with. Invoices in HUF round to whole forints, and Oman's to two decimals, against ISO 4217 (rules.md §1.2).
func (v Invoice) standIn(t testing.TB) string {
	t.Helper()
	if exp, err := money.Exponent(v.Currency); err != nil || exp == v.Check.Scale {
		return v.Currency
	}
	return map[int]string{0: "JPY", 2: "EUR", 3: "KWD"}[v.Check.Scale]
}

// Figures are the answer of the engine or of POST /totals, in minor units.
type Figures struct {
	Currency string
	Lines    []struct{ Net int64 }

	LinesTotal, AllowancesTotal, ChargesTotal, TaxIncluded, TaxExclusive, TaxTotal, TaxInclusive, Withheld, Payable int64

	Taxes []struct {
		Name, Category, Rate string
		Taxable, Tax         int64
	}
}

// Differences lists every figure, given as the JSON of [Figures], that is not the invoice's own.
func (v Invoice) Differences(t testing.TB, answer []byte) []string {
	t.Helper()
	var r Figures
	if err := json.Unmarshal(answer, &r); err != nil {
		t.Fatal(err)
	}
	var out []string
	scale := v.Check.Scale
	figure := func(name string, got int64, want *string) {
		if want == nil {
			return
		}
		unit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
		if w := new(big.Rat).Mul(rat(t, *want), unit); w.Cmp(new(big.Rat).SetInt64(got)) != 0 {
			out = append(out, fmt.Sprintf("%s is %s, stated %s", name, money.Format(got, r.Currency), *want))
		}
	}
	if v.Check.Level != "B" {
		lines := slices.DeleteFunc(slices.Clone(v.Lines), func(l invoiceLine) bool { return l.Status == "GROUP" })
		for i, l := range r.Lines {
			figure(fmt.Sprintf("lines[%d].net", i), l.Net, &lines[i].Net)
		}
	}
	e := v.Expected
	figure("linesTotal", r.LinesTotal, e.LinesTotal)
	figure("allowancesTotal", r.AllowancesTotal, e.Allowances)
	figure("chargesTotal", r.ChargesTotal, e.Charges)
	figure("taxIncluded", r.TaxIncluded, e.TaxIncluded)
	figure("taxExclusive", r.TaxExclusive, e.TaxExclusive)
	figure("taxTotal", r.TaxTotal, e.TaxTotal)
	figure("taxInclusive", r.TaxInclusive, e.TaxInclusive)
	figure("withheld", r.Withheld, e.Withheld)
	figure("payable", r.Payable, e.Payable)
	return append(out, v.rowDifferences(t, r)...)
}

type rowKey struct{ name, category, rate string }

type rows map[rowKey][2]*big.Rat // taxable and tax

func (r rows) add(k rowKey, taxable, tax *big.Rat) {
	if _, ok := r[k]; !ok {
		r[k] = [2]*big.Rat{new(big.Rat), new(big.Rat)}
	}
	r[k][0].Add(r[k][0], taxable)
	r[k][1].Add(r[k][1], tax)
}

// key answers the row that a tax belongs to. GOBL has one row for all categories without a rate.
func (v Invoice) key(t testing.TB, name, category, rate string) rowKey {
	if strings.HasPrefix(v.ID, "gobl__") && (category == "G" || category == "O") {
		category = "no rate"
	}
	return rowKey{cmp.Or(name, "VAT"), category, rat(t, rate).RatString()}
}

// stated answers the source's breakdown, rows of one tax and rate taken together, and the sum of its taxes. To it
// belongs what the source gives no tax at all, which for us is outside the scope of tax.
func (v Invoice) stated(t testing.TB) (rows, *big.Rat) {
	out, sum := rows{}, new(big.Rat)
	for _, row := range v.Expected.Rows {
		tax := invoiceTax{Scheme: row.Scheme, Category: row.Category, Rate: row.Rate, Retained: row.Retained}.tax()
		name, _ := tax["name"].(string)
		category, _ := tax["category"].(string)
		k := v.key(t, name, category, row.Rate)
		out.add(k, rat(t, row.Taxable), rat(t, row.Tax))
		if !row.Retained {
			sum.Add(sum, rat(t, row.Tax))
		}
		if row.SurchargeTax != "" {
			out.add(v.key(t, name, category, row.SurchargeRate), rat(t, row.Taxable), rat(t, row.SurchargeTax))
			sum.Add(sum, rat(t, row.SurchargeTax))
		}
	}
	outside := func(tax invoiceTax, amount *big.Rat) {
		if tax == (invoiceTax{}) {
			out.add(v.key(t, "", "O", ""), amount, new(big.Rat))
		}
	}
	for _, l := range v.Lines {
		if l.Status != "GROUP" {
			outside(l.invoiceTax, rat(t, l.Net))
		}
	}
	for _, a := range v.Allowances {
		outside(a.invoiceTax, new(big.Rat).Neg(rat(t, a.Amount)))
	}
	for _, a := range v.Charges {
		outside(a.invoiceTax, rat(t, a.Amount))
	}
	return out, sum
}

// rowDifferences compares the breakdown. A source whose rows do not sum to its own tax total cannot be met in both:
// the total is, and a row may be a unit off. A row over nothing may be there or not.
func (v Invoice) rowDifferences(t testing.TB, r Figures) []string {
	want, sum := v.stated(t)
	got := rows{}
	for _, row := range r.Taxes {
		got.add(v.key(t, row.Name, row.Category, row.Rate), rat(t, money.Format(row.Taxable, r.Currency)), rat(t, money.Format(row.Tax, r.Currency)))
	}
	slack := new(big.Rat)
	if v.Expected.TaxTotal != nil && sum.Cmp(rat(t, *v.Expected.TaxTotal)) != 0 {
		slack.SetFrac64(1, 100)
	}
	var out []string
	for k, w := range want {
		g, ok := got[k]
		if !ok {
			out = append(out, fmt.Sprintf("no row %v", k))
			continue
		}
		for i, what := range []string{"taxable", "tax"} {
			if d := new(big.Rat).Sub(g[i], w[i]); d.Abs(d).Cmp(slack) > 0 {
				out = append(out, fmt.Sprintf("%s of %v is %s, stated %s", what, k, g[i].FloatString(3), w[i].FloatString(3)))
			}
		}
	}
	for k, g := range got {
		if _, ok := want[k]; !ok && (g[0].Sign() != 0 || g[1].Sign() != 0) {
			out = append(out, fmt.Sprintf("an extra row %v", k))
		}
	}
	slices.Sort(out)
	return out
}
