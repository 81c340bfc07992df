package totals

import (
	"cmp"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"onebook/internal/money"
	"onebook/internal/vectors"
)

// A taxModel is one case of tax_models_vectors.json. Its amounts are in steps of rounding, which need not be a
// currency's: a step of 0.05 or of nine decimals is worked out in units of that step, as a currency without decimals.
type taxModel struct {
	ID, Model  string
	Gross, Net string
	TaxRate    string `json:"tax_rate"`
	Step       string `json:"rounding_step"`
	Scale      int
	Lines      []any
	Input      struct{ Lines []string }
	Expected   map[string]any
	EN         map[string]string `json:"en16931_line_rounding_gives"`
	Reference  string            `json:"reference_tax"`
}

func (m taxModel) want(name string) string { s, _ := m.Expected[name].(string); return s }

// steps writes an amount in units of a step, exactly.
func steps(t testing.TB, amount, step string) string {
	t.Helper()
	r := rat(t, amount)
	return strings.TrimRight(strings.TrimRight(r.Quo(r, rat(t, step)).FloatString(12), "0"), ".")
}

// is compares a figure of a result in yen with one in units of a step.
func is(t testing.TB, what string, got int64, want, step string) {
	t.Helper()
	if want == "" {
		return
	}
	r := rat(t, want)
	if r.Quo(r, rat(t, step)).Cmp(new(big.Rat).SetInt64(got)) != 0 {
		t.Errorf("%s is %d steps of %s, want %s", what, got, step, want)
	}
}

func sold(quantity, price, rate string) object {
	tax := object{"category": "S", "rate": rate}
	if strings.Trim(rate, "0.") == "" {
		tax = object{"category": "Z"}
	}
	return object{"quantity": quantity, "unitPrice": price, "tax": tax}
}

func must(t testing.TB, body object) Result {
	t.Helper()
	r, err := calculate(t, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Tax in the price and on it, taxes on taxes, withheld and per line come out as in Odoo's tests.
func TestTaxModels(t *testing.T) {
	var v struct{ Cases []taxModel }
	vectors.Load(t, "tax_models_vectors.json", &v)
	for _, m := range v.Cases {
		t.Run(m.ID, func(t *testing.T) {
			kind, _, _ := strings.Cut(m.ID, "-")
			switch kind {
			case "inclusive":
				r := must(t, object{"currency": "JPY", "pricesIncludeTax": true, "lines": []object{sold("1", steps(t, m.Gross, m.Step), m.TaxRate)}})
				is(t, "net", r.TaxExclusive, m.want("net"), m.Step)
				is(t, "tax", r.TaxTotal, m.want("tax"), m.Step)
				is(t, "gross", r.TaxInclusive, m.Gross, m.Step)
			case "exclusive":
				r := must(t, object{"currency": "JPY", "lines": []object{sold("1", steps(t, m.Net, m.Step), m.TaxRate)}})
				is(t, "tax", r.TaxTotal, m.want("tax"), m.Step)
				is(t, "gross", r.TaxInclusive, m.want("gross"), m.Step)
			case "odoo", "scale":
				m.lineRounding(t)
			case "doc":
				m.roundedOnce(t)
			case "tax":
				named, ok := namedModels[m.ID]
				if !ok {
					t.Fatalf("%s: what about this one?", m.Model)
				}
				named(t, m)
			default:
				t.Fatalf("%s: what about this one?", m.Model)
			}
		})
	}
	if len(v.Cases) < 31 {
		t.Errorf("%d cases", len(v.Cases))
	}
}

// lineRounding is the model that is ours: each line rounded, tax once per rate, at the scale of the case.
func (m taxModel) lineRounding(t *testing.T) {
	step := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(m.Scale)), nil)).FloatString(m.Scale)
	var lines []object
	for _, x := range m.Lines {
		l := x.(map[string]any)
		line := sold(l["quantity"].(string), steps(t, l["unit_price"].(string), step), l["tax_rate"].(string))
		if off, ok := l["line_allowance"].(string); ok {
			line["discount"] = object{"amount": steps(t, off, step)}
		}
		lines = append(lines, line)
	}
	r := must(t, object{"currency": "JPY", "lines": lines})
	for i, x := range m.Lines {
		is(t, fmt.Sprintf("line %d", i), r.Lines[i].Net, x.(map[string]any)["expected_line_net"].(string), step)
	}
	is(t, "net", r.TaxExclusive, m.want("net"), step)
	if m.Reference != "" {
		// Made of prices with tax: stated is what those give, worked out again from the net it is a cent more.
		is(t, "tax from the net", r.TaxTotal, m.Reference, step)
		gross := steps(t, m.want("total"), step)
		r = must(t, object{"currency": "JPY", "pricesIncludeTax": true, "lines": []object{sold("1", gross, m.Lines[0].(map[string]any)["tax_rate"].(string))}})
		is(t, "net from the gross", r.TaxExclusive, m.want("net"), step)
	}
	is(t, "tax", r.TaxTotal, m.want("tax"), step)
	is(t, "total", r.TaxInclusive, m.want("total"), step)
	byRate, _ := m.Expected["tax_by_rate"].(map[string]any)
	for _, row := range r.Taxes {
		if want, ok := byRate[row.Rate.String()].(string); ok {
			is(t, "tax at "+row.Rate.String(), row.Tax, want, step)
		}
	}
}

// roundedOnce is the model of unrounded lines, which is not EN 16931's: it is ours in finer units, rounded at the end.
// In the document's own units we give what EN 16931 gives.
func (m taxModel) roundedOnce(t *testing.T) {
	var lines []object
	for _, x := range m.Lines {
		l := x.(map[string]any)
		lines = append(lines, sold(l["quantity"].(string), l["unit_price"].(string), l["tax_rate"].(string)))
	}
	fine := must(t, object{"currency": "CLF", "lines": lines}) // four decimals hold these lines exactly
	cents := func(n int64) string {
		c, err := money.MulDiv(n, 1, 100)
		if err != nil {
			t.Fatal(err)
		}
		return money.Format(c, "EUR")
	}
	byRate, _ := m.Expected["tax_by_rate"].(map[string]any)
	got := map[string]string{"net": cents(fine.TaxExclusive), "tax": cents(fine.TaxTotal), "total": cents(fine.TaxInclusive)}
	for _, name := range []string{"net", "tax", "total"} {
		if got[name] != m.want(name) {
			t.Errorf("%s is %s, want %s", name, got[name], m.want(name))
		}
	}
	for _, row := range fine.Taxes {
		if want := byRate[row.Rate.String()].(string); rat(t, cents(row.Tax)).Cmp(rat(t, want)) != 0 {
			t.Errorf("tax at %s is %s, want %s", row.Rate, cents(row.Tax), want)
		}
	}
	r := must(t, object{"currency": "EUR", "lines": lines})
	for name, n := range map[string]int64{"net": r.TaxExclusive, "tax": r.TaxTotal, "total": r.TaxInclusive} {
		if got := money.Format(n, "EUR"); got != m.EN[name] {
			t.Errorf("by EN 16931 %s is %s, want %s", name, got, m.EN[name])
		}
	}
}

// several is a document of one line with several taxes, given as name, rate and flags.
func several(currency, price string, taxes ...string) object {
	var list []object
	for _, s := range taxes {
		name, rest, _ := strings.Cut(s, " ")
		rate, flag, _ := strings.Cut(rest, " ")
		tax := object{"name": name, "rate": rate}
		if flag != "" {
			tax[flag] = true
		}
		if flag != "withheld" {
			tax["category"] = "S"
		}
		list = append(list, tax)
	}
	return object{"currency": currency, "lines": []object{{"quantity": "1", "unitPrice": price, "taxes": list}}}
}

// taxesAre compares the rows with the list of the case, in which a withheld tax is negative.
func (m taxModel) taxesAre(t *testing.T, r Result, names ...string) {
	t.Helper()
	rows := map[string]string{}
	for _, row := range r.Taxes {
		rows[row.Name] = money.Format(row.Tax, r.Currency)
		if row.Withheld {
			rows[row.Name] = "-" + rows[row.Name]
		}
	}
	for i, want := range m.Expected["taxes"].([]any) {
		if rat(t, rows[names[i]]).Cmp(rat(t, want.(string))) != 0 {
			t.Errorf("%s is %s, want %s", names[i], rows[names[i]], want)
		}
	}
	if got := money.Format(r.Payable, r.Currency); got != cmp.Or(m.want("total"), m.want("total_unrounded")) {
		t.Errorf("payable is %s, want %v", got, m.Expected)
	}
}

var namedModels = map[string]func(*testing.T, taxModel){
	"tax-18": func(t *testing.T, m taxModel) { // fixed amounts per piece beside the tax: charges outside its scope
		r := must(t, object{"currency": "EUR", "lines": []object{sold("5", "20.00", "21")},
			"charges": []object{{"amount": "5.00", "tax": object{"category": "O"}}, {"amount": "10.00", "tax": object{"category": "O"}}}})
		is(t, "net", r.LinesTotal, m.want("net"), "0.01")
		is(t, "fixed", r.ChargesTotal, m.want("fixed"), "0.01")
		is(t, "tax", r.TaxTotal, m.want("vat"), "0.01")
		is(t, "total", r.TaxInclusive, m.want("total"), "0.01")
	},
	"tax-19": func(t *testing.T, m taxModel) {
		r := must(t, several("EUR", "100.00", "A 6", "B 6", "C 3"))
		is(t, "total", r.TaxInclusive, m.want("total"), "0.01")
	},
	"tax-20": func(t *testing.T, m taxModel) { // four decimals show the unrounded figures
		m.taxesAre(t, must(t, several("CLF", "100.00", "A 6", "B 6 compound", "C 3 compound")), "A", "B", "C")
	},
	"tax-21": func(t *testing.T, m taxModel) {
		m.taxesAre(t, must(t, several("EUR", "100.00", "A 6", "B 6", "C 3 compound")), "A", "B", "C")
	},
	"tax-22": func(t *testing.T, m taxModel) {
		m.taxesAre(t, must(t, several("EUR", "50.00", "IRPEF 20 withheld", "Fund 4", "VAT 22 compound")), "IRPEF", "Fund", "VAT")
	},
	"tax-24": func(t *testing.T, m taxModel) { fixedInBase(t, m, PerLine) },
	"tax-25": func(t *testing.T, m taxModel) { fixedInBase(t, m, PerDocument) },
}

// fixedInBase has a fixed amount of 1.00 on each line, which is taxed with it: a charge of the line.
func fixedInBase(t *testing.T, m taxModel, rounding TaxRounding) {
	var lines []object
	for _, price := range m.Input.Lines {
		line := sold("1", price, "21")
		line["charges"] = []object{{"amount": "1.00"}}
		lines = append(lines, line)
	}
	r := must(t, object{"currency": "EUR", "taxRounding": rounding, "lines": lines})
	var net, fixed int64
	for _, l := range r.Lines {
		net, fixed = net+l.Gross, fixed+l.Charges[0]
	}
	is(t, "net", net, m.want("net"), "0.01")
	is(t, "fixed", fixed, m.want("fixed"), "0.01")
	is(t, "tax", r.TaxTotal, m.want("vat"), "0.01")
	is(t, "total", r.TaxInclusive, m.want("total"), "0.01")
}
