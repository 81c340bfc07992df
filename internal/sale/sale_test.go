package sale_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onebook/internal/catalog"
	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/money"
	"onebook/internal/org"
	"onebook/internal/rig"
	"onebook/internal/sale"
	"onebook/internal/totals"
)

func make(t *testing.T, r *rig.Rig, in sale.Input) (sale.Body, error) {
	t.Helper()
	set, err := r.Org.Get(r.Ctx)
	if err != nil {
		t.Fatal(err)
	}
	today, err := set.Today(r.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return r.Billing.Maker.Make(r.Ctx, in, set, today)
}

// A line takes from the catalog what it does not say itself, and keeps it when the catalog changes.
func TestCatalogIsCopied(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	item := r.Item("Consulting", "150.00")
	for _, x := range []struct {
		what string
		in   sale.LineInput
		want string
	}{
		{"all of it", sale.LineInput{}, "Consulting|As agreed.|hour|150.00|standard|19"},
		{"another name", sale.LineInput{Name: "Advice"}, "Advice|As agreed.|hour|150.00|standard|19"},
		{"another price", sale.LineInput{UnitPrice: rig.Dec("90")}, "Consulting|As agreed.|hour|90|standard|19"},
		{"for nothing", sale.LineInput{UnitPrice: rig.Dec("0")}, "Consulting|As agreed.|hour|0|standard|19"},
		{"another class", sale.LineInput{TaxClass: "reduced", Unit: "day"}, "Consulting|As agreed.|day|150.00|reduced|7"},
		{"its own tax", sale.LineInput{Tax: &totals.Tax{Category: "S", Rate: rig.Dec("5")}}, "Consulting|As agreed.|hour|150.00||5"},
	} {
		x.in.ItemID, x.in.Quantity = item.ID, rig.Dec("2")
		b, err := make(t, r, sale.Input{Lines: []sale.LineInput{x.in}})
		if err != nil {
			t.Fatalf("%s: %v", x.what, err)
		}
		l := b.Lines[0]
		if got := strings.Join([]string{l.Name, l.Description, l.Unit, l.UnitPrice.String(), l.TaxClass, l.Taxes[0].Rate.String()}, "|"); got != x.want {
			t.Errorf("%s: %s", x.what, got)
		}
	}
	b, err := make(t, r, sale.Input{Lines: []sale.LineInput{{ItemID: item.ID, Quantity: rig.Dec("2")}}})
	if err != nil || b.Totals.Total != 35700 || b.Currency != "EUR" || b.Lines[0].ID != "l1" {
		t.Fatal(b, err)
	}
	if _, err := r.Catalog.Update(r.Ctx, rig.Owner, item.ID, 1, catalog.Input{Name: "Dearer", Unit: "each", UnitPrice: rig.Dec("999"), Currency: "EUR", TaxClass: "reduced"}); err != nil {
		t.Fatal(err)
	}
	// A line that was written is typed again as it stands, not as the catalog is now.
	again, err := make(t, r, b.Input())
	if err != nil || again.Lines[0].Name != "Consulting" || again.Totals.Total != 35700 {
		t.Errorf("%+v %v", again.Lines, err)
	}
}

// Every wrong field of a document is told at once, by its path.
func TestFieldPaths(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	item := r.Item("Consulting", "150.00")
	good := rig.Lines("1.00").Lines[0]
	with := func(change func(l *sale.LineInput)) sale.LineInput {
		l := good
		change(&l)
		return l
	}
	for _, x := range []struct {
		what, want string
		in         sale.Input
	}{
		{"nothing", "lines", sale.Input{}},
		{"too much", "lines", sale.Input{Lines: append([]sale.LineInput(nil), many(1001)...)}},
		{"an empty line", "lines[0].name lines[0].unitPrice lines[0].quantity lines[0].taxClass", sale.Input{Lines: []sale.LineInput{{}}}},
		{"the second", "lines[1].quantity", sale.Input{Lines: []sale.LineInput{good, with(func(l *sale.LineInput) { l.Quantity = money.Decimal{} })}}},
		{"two of them", "lines[0].unit lines[2].itemId", sale.Input{Lines: []sale.LineInput{
			with(func(l *sale.LineInput) { l.Unit = strings.Repeat("u", 41) }), good, with(func(l *sale.LineInput) { l.ItemID = "ca_00000000000000000000" })}}},
		{"long texts", "notes lines[0].name lines[0].description", sale.Input{Notes: strings.Repeat("n", 10_001), Lines: []sale.LineInput{
			with(func(l *sale.LineInput) {
				l.Name, l.Description = strings.Repeat("n", 301), strings.Repeat("d", 10_001)
			})}}},
		{"no such class", "lines[0].taxClass", sale.Input{Lines: []sale.LineInput{with(func(l *sale.LineInput) { l.TaxClass = "luxury" })}}},
		{"a class and more than one tax", "lines[0].taxes", sale.Input{Lines: []sale.LineInput{with(func(l *sale.LineInput) {
			l.Tax, l.Taxes = &totals.Tax{Category: "S", Rate: rig.Dec("1")}, []totals.Tax{{Category: "Z"}}
		})}}},
		{"a negative price", "lines[0].unitPrice", sale.Input{Lines: []sale.LineInput{with(func(l *sale.LineInput) { l.UnitPrice = rig.Dec("-1") })}}},
		{"a tax without a category", "lines[0].taxes[0].category", sale.Input{Lines: []sale.LineInput{with(func(l *sale.LineInput) { l.Taxes = []totals.Tax{{Rate: rig.Dec("1")}} })}}},
		{"a day and a period", "lines[0].serviceDate", sale.Input{Lines: []sale.LineInput{with(func(l *sale.LineInput) {
			l.ServiceDate, l.ServiceFrom = rig.Day("2026-01-01"), rig.Day("2026-01-01")
		})}}},
		{"half a period", "lines[0].serviceTo", sale.Input{Lines: []sale.LineInput{with(func(l *sale.LineInput) { l.ServiceFrom = rig.Day("2026-01-01") })}}},
		{"a period backwards", "lines[0].serviceTo", sale.Input{Lines: []sale.LineInput{with(func(l *sale.LineInput) {
			l.ServiceFrom, l.ServiceTo = rig.Day("2026-01-02"), rig.Day("2026-01-01")
		})}}},
		{"a price in another currency", "lines[0].unitPrice", sale.Input{Currency: "USD", Lines: []sale.LineInput{{ItemID: item.ID, Quantity: rig.Dec("1")}}}},
		{"no such currency", "currency", sale.Input{Currency: "EURO", Lines: []sale.LineInput{good}}},
		{"a discount of more than all", "discount.percent", sale.Input{Discount: &totals.Discount{Percent: rig.Dec("101")}, Lines: []sale.LineInput{good}}},
		{"less than nothing prepaid", "prepaid", sale.Input{Prepaid: rig.Dec("-0.01"), Lines: []sale.LineInput{good}}},
	} {
		_, err := make(t, r, x.in)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid {
			t.Errorf("%s: %v", x.what, err)
			continue
		}
		var got []string
		for _, x := range f.Fields {
			got = append(got, x.Field)
		}
		if d := cmp.Diff(x.want, strings.Join(got, " ")); d != "" {
			t.Errorf("%s: %s", x.what, d)
		}
	}
}

func many(n int) []sale.LineInput {
	var out []sale.LineInput
	for range n {
		out = append(out, rig.Lines("1").Lines[0])
	}
	return out
}

// The document's date of supply is the one that all lines agree on, and none where they do not.
func TestService(t *testing.T) {
	day := func(s string) (d civil.Date) {
		if s != "" {
			d = rig.Day(s)
		}
		return d
	}
	for _, x := range []struct {
		what     string
		lines    [][3]string // serviceDate, serviceFrom, serviceTo
		from, to string
	}{
		{"none", [][3]string{{}, {}}, "", ""},
		{"one day", [][3]string{{"2026-01-05"}, {"2026-01-05"}}, "2026-01-05", "2026-01-05"},
		{"one period", [][3]string{{"", "2026-01-01", "2026-01-31"}, {"", "2026-01-01", "2026-01-31"}}, "2026-01-01", "2026-01-31"},
		{"a day that is a period", [][3]string{{"2026-01-05"}, {"", "2026-01-05", "2026-01-05"}}, "2026-01-05", "2026-01-05"},
		{"two days", [][3]string{{"2026-01-05"}, {"2026-01-06"}}, "", ""},
		{"one says nothing", [][3]string{{"2026-01-05"}, {}}, "", ""},
		{"the first says nothing", [][3]string{{}, {"2026-01-05"}}, "", ""},
	} {
		var b sale.Body
		for _, l := range x.lines {
			b.Lines = append(b.Lines, sale.Line{ServiceDate: day(l[0]), ServiceFrom: day(l[1]), ServiceTo: day(l[2])})
		}
		if from, to := b.Service(); from.String() != x.from || to.String() != x.to {
			t.Errorf("%s: %s to %s", x.what, from, to)
		}
	}
}

// The tax of a line is that of its class, at the document's place, on the line's day of supply.
func TestTaxOfALine(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	r.Tax(org.TaxRule{TaxClass: "standard", Category: "S", Rate: rig.Dec("16"), From: rig.Day("2020-07-01")})
	r.Tax(org.TaxRule{TaxClass: "standard", Category: "S", Rate: rig.Dec("19"), From: rig.Day("2021-01-01")})
	there, err := r.Org.AddLocation(r.Ctx, rig.Owner, org.LocationInput{Name: "Hartford"})
	if err != nil {
		t.Fatal(err)
	}
	r.Tax(org.TaxRule{TaxClass: "standard", LocationID: there.ID, Category: "S", Rate: rig.Dec("6.35"), From: rig.Day("2010-01-01")})
	in := rig.Lines("100", "100", "100", "100")
	in.Lines[0].ServiceDate = rig.Day("2020-06-30")
	in.Lines[1].ServiceDate = rig.Day("2020-12-31")
	in.Lines[2].ServiceFrom, in.Lines[2].ServiceTo = rig.Day("2020-12-01"), rig.Day("2021-01-01") // supplied when it ends
	rates := func(b sale.Body) (out []string) {
		for _, l := range b.Lines {
			out = append(out, l.Taxes[0].Rate.String())
		}
		return out
	}
	b, err := make(t, r, in)
	if d := cmp.Diff([]string{"19", "16", "19", "19"}, rates(b)); d != "" || err != nil {
		t.Error(d, err)
	}
	in.LocationID = "lo_nowhere"
	if _, err := make(t, r, in); !errors.Is(err, fault.Invalid) {
		t.Errorf("a place that is none: %v", err)
	}
	in.LocationID = there.ID
	b, err = make(t, r, in)
	if d := cmp.Diff([]string{"6.35", "6.35", "6.35", "6.35"}, rates(b)); d != "" || err != nil {
		t.Error(d, err)
	}
	lesson := rig.Lines("100")
	lesson.Lines[0].TaxClass = "lessons"
	b, err = make(t, r, lesson)
	if err != nil || b.Lines[0].Reason != "§ 4 Nr. 21 UStG" || b.Totals.Tax != 0 || b.Totals.Taxes[0].Category != "E" {
		t.Errorf("%+v %v", b.Lines[0], err)
	}
}

// An organisation without tax rules charges none, until it has its first.
func TestWithoutTaxRules(t *testing.T) {
	r := rig.New(t)
	in := rig.Lines("100")
	in.Lines[0].TaxClass = ""
	b, err := make(t, r, in)
	if err != nil || b.Totals.Total != 10000 || b.Lines[0].Taxes[0].Category != "Z" || b.Currency != "USD" {
		t.Errorf("%+v %v", b.Totals, err)
	}
	r.Tax(org.TaxRule{TaxClass: "standard", Category: "S", Rate: rig.Dec("19"), From: rig.Day("2026-01-01")})
	if _, err := make(t, r, in); !errors.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
}
