package printing

import (
	"testing"

	"onebook/internal/civil"
	"onebook/internal/document"
	"onebook/internal/estimate"
	"onebook/internal/invoice"
	"onebook/internal/money"
	"onebook/internal/org"
	"onebook/internal/sale"
)

// An invoice says when its services were supplied; a line that does not name a day was supplied on the day of issue.
func TestDateOfSupply(t *testing.T) {
	issued, earlier := civil.On(2026, 1, 5), civil.On(2025, 12, 30)
	for name, c := range map[string]struct {
		lines       []sale.Line
		head        civil.Date
		first, last civil.Date // what stands under the first line and under the last
	}{
		"no line names one":             {[]sale.Line{{}, {}}, issued, civil.Date{}, civil.Date{}},
		"all name the same":             {[]sale.Line{{ServiceDate: earlier}, {ServiceDate: earlier}}, earlier, earlier, earlier},
		"one names another, one none":   {[]sale.Line{{ServiceDate: earlier}, {}}, civil.Date{}, earlier, issued},
		"one names the issue, one none": {[]sale.Line{{ServiceDate: issued}, {}}, issued, issued, civil.Date{}},
	} {
		i := invoice.Invoice{IssuedOn: issued, Frozen: &sale.Frozen{}, Body: sale.Body{Lines: c.lines}}
		p := Paper(i, "", nil)
		if p.ServiceFrom != c.head || p.ServiceTo != c.head {
			t.Errorf("%s: the head says %s to %s, want %s", name, p.ServiceFrom, p.ServiceTo, c.head)
		}
		if got := p.Lines[0].ServiceFrom; got != c.first {
			t.Errorf("%s: the first line says %s, want %s", name, got, c.first)
		}
		if got := p.Lines[len(p.Lines)-1].ServiceFrom; got != c.last {
			t.Errorf("%s: the last line says %s, want %s", name, got, c.last)
		}
	}
}

// New documents are frozen in the layout that the printer draws newest.
func TestLayout(t *testing.T) {
	if sale.Layout != document.Layout {
		t.Errorf("documents are frozen in layout %d, the newest is %d", sale.Layout, document.Layout)
	}
}

// An offer's paper says until when it is good, is dated by the day it was numbered, and asks to be accepted, not paid.
func TestOffer(t *testing.T) {
	e := estimate.Estimate{
		Number: "E-0001", IssuedOn: civil.On(2026, 1, 5), ValidUntil: civil.On(2026, 2, 4),
		Frozen: &sale.Frozen{Layout: sale.Layout, Locale: "de", Bank: &org.Bank{AccountHolder: "Studio", IBAN: "DE89370400440532013000"}, Look: sale.Look{Terms: "Netto."}},
		Body:   sale.Body{Currency: "EUR", Lines: []sale.Line{{Name: "Konzept", Quantity: decimal(t, "10"), Unit: "hour", UnitPrice: decimal(t, "95"), Net: 95000}}, Totals: sale.Sums{Subtotal: 95000, Total: 95000, Payable: 95000}},
	}
	p := Offer(e, "https://site.example/e/#x", nil)
	if p.Kind != document.Estimate || p.IssuedOn != e.IssuedOn || p.ValidUntil != e.ValidUntil || p.Transfer != nil || p.Terms != "Netto." || p.Lines[0].Unit != "Stunden" || p.Total != 95000 {
		t.Errorf("%+v", p)
	}
	if _, _, err := document.Render(p); err != nil {
		t.Error(err)
	}
}

// An invoice's paper asks for what is due at its issue, by the account that was set then.
func TestTransferOfAnInvoice(t *testing.T) {
	bank := org.Bank{AccountHolder: "Studio", IBAN: "DE89370400440532013000", CreditorReference: true}
	i := invoice.Invoice{Number: "2026-0042", IssuedOn: civil.On(2026, 1, 5), Frozen: &sale.Frozen{Layout: 2, Bank: &bank}, Body: sale.Body{Currency: "EUR", Totals: sale.Sums{Total: 11900, Prepaid: 1900, Payable: 10000}}}
	p := Paper(i, "", nil)
	if p.Transfer == nil || p.Reference != "RF8820260042" || p.Transfer.Reference != p.Reference || p.Transfer.Code != "BCD\n002\n1\nSCT\n\nStudio\nDE89370400440532013000\nEUR100.00\n\nRF8820260042" {
		t.Errorf("%s %+v", p.Reference, p.Transfer)
	}
}

func decimal(t *testing.T, s string) money.Decimal {
	t.Helper()
	d, err := money.ParseDecimal(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A printed offer says what is for the client to choose and whether it counts; what does not count is in no sum, and the
// terms that it is offered under stand on it.
func TestAnOfferWithChoices(t *testing.T) {
	line := func(name, group string, optional, chosen bool, net int64) sale.Line {
		return sale.Line{Name: name, Group: group, Optional: optional, Chosen: chosen, Quantity: decimal(t, "1"), UnitPrice: decimal(t, money.Format(net, "EUR")), Net: net}
	}
	e := estimate.Estimate{
		Number: "E-0001", IssuedOn: civil.On(2026, 1, 5), ValidUntil: civil.On(2026, 2, 4), Conditions: &org.Terms{Text: "Nutzungsrechte nach Zahlung.", Version: "3"},
		Frozen: &sale.Frozen{Layout: sale.Layout, Locale: "de", Look: sale.Look{Terms: "Netto."}},
		Body: sale.Body{Currency: "EUR", Lines: []sale.Line{
			line("Konzept", "", false, false, 400000), line("Kurzfilm", "Film", false, true, 300000), line("Langfilm", "Film", false, false, 600000), line("Musik", "", true, false, 50000),
		}, Totals: sale.Sums{Subtotal: 700000, Total: 700000, Payable: 700000}},
	}
	p := Offer(e, "https://site.example/e/#x", nil)
	for n, want := range []string{"", "Zur Wahl Film, in der Summe enthalten", "Zur Wahl Film, in der Summe nicht enthalten", "Optional, in der Summe nicht enthalten"} {
		if p.Lines[n].Description != want {
			t.Errorf("line %d says %q, not %q", n+1, p.Lines[n].Description, want)
		}
	}
	var sum int64
	for _, l := range p.Lines {
		sum += l.Net
	}
	if sum != p.Subtotal || p.Terms != "Nutzungsrechte nach Zahlung.\n\nNetto." {
		t.Errorf("the lines sum to %d, not %d; the terms are %q", sum, p.Subtotal, p.Terms)
	}
	if _, _, err := document.Render(p); err != nil {
		t.Error(err)
	}
}
