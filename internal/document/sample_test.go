package document

import (
	"fmt"

	"onebook/internal/civil"
	"onebook/internal/money"
)

func decimal(s string) money.Decimal {
	d, err := money.ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

// sample is an ordinary German invoice in English: ten lines, 19 % tax, an allowance.
func sample() Paper {
	p := Paper{
		Layout: Layout, Kind: Invoice, Number: "2026-0042", Locale: "en", Currency: "EUR",
		IssuedOn: civil.On(2026, 3, 31), DueOn: civil.On(2026, 4, 14),
		ServiceFrom: civil.On(2026, 3, 1), ServiceTo: civil.On(2026, 3, 31),
		Seller: Seller{
			Name: "Studio Nord GmbH", Address: []string{"Hafenstraße 12", "20457 Hamburg", "Germany"}, TaxID: "DE123456789",
			Email: "hello@studio-nord.example", Phone: "+49 40 123456", Website: "studio-nord.example", Accent: "#1f6feb",
		},
		Client: Client{Name: "Ada Lovelace", Company: "Analytical Engines Ltd", TaxID: "GB999999973",
			Address: []string{"12 St James’s Square", "London SW1Y 4LB", "United Kingdom"}},
		Allowances: []Adjustment{{"Loyalty discount 5%", 5000}},
		Reference:  "RF18 2026 0042", BuyerReference: "PO 7781",
		Notes:  "Thank you for the good work together. The sources are in the shared folder.",
		Terms:  "Payable within 14 days without deduction.",
		PayURL: "https://pay.studio-nord.example/i/#1.lnk_01JQXK3V9T5W.q7H2mT0bXc8yN4rLkP1sVdZfA6uJgEw3oBhQiCxYtRs",
		Footer: "Studio Nord GmbH · Amtsgericht Hamburg HRB 12345 · Managing director: Jane Doe\n" +
			"Bank: Hamburger Sparkasse · IBAN DE02 2005 0550 1015 8717 24 · BIC HASPDEHHXXX",
	}
	names := []string{"Website concept", "Design of twelve templates", "Photography", "Copywriting", "Hosting",
		"Project management", "Accessibility audit", "Illustrations", "Search engine setup", "Training"}
	for i, name := range names {
		p.Lines = append(p.Lines, Line{
			Name: name, Quantity: decimal(fmt.Sprintf("%d.5", i+1)), Unit: "h", UnitPrice: decimal("95"),
			Net: int64(i+1)*9500 + 4750, Tax: "19 %",
		})
	}
	p.Lines[1].Description = "Home, article, list, search, contact and seven more, in two rounds of correction."
	p.Lines[4].ServiceFrom, p.Lines[4].ServiceTo = civil.On(2026, 3, 1), civil.On(2026, 3, 31)
	p.Lines[7].Discount = "10% for the third set"
	return sums(p)
}

// sums sets the figures that follow from lines, allowances and charges, at 19 %.
func sums(p Paper) Paper {
	p.Subtotal = 0
	for _, l := range p.Lines {
		p.Subtotal += l.Net
	}
	base := p.Subtotal
	for _, a := range p.Allowances {
		base -= a.Amount
	}
	for _, c := range p.Charges {
		base += c.Amount
	}
	tax := (base*19 + 50) / 100
	p.Taxes = []Tax{{Label: "VAT", Category: "S", Rate: decimal("19"), Taxable: base, Tax: tax}}
	p.Total = base + tax
	p.Due = p.Total - p.Paid - p.Withheld
	return p
}

// mixed is the same for a client with a Polish, a Greek and a Russian line.
func mixed() Paper {
	p := sample()
	p.Number = "2026-0043"
	p.Client = Client{Name: "Grzegorz Brzęczyszczykiewicz", Company: "Łódź Żółć Sp. z o.o.",
		Address: []string{"ul. Świętokrzyska 14", "00-050 Warszawa"}, TaxID: "PL5260001246"}
	p.Lines[0].Name, p.Lines[0].Description = "Zażółć gęślą jaźń", "Pchnąć w tę łódź jeża lub ośm skrzyń fig"
	p.Lines[1].Name, p.Lines[1].Description = "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία", "Γαζίες και μυρτιές δεν θα βρω πια στο χρυσαφί ξέφωτο"
	p.Lines[2].Name, p.Lines[2].Description = "Съешь же ещё этих мягких французских булок", "да выпей чаю — № 7"
	p.Lines[3].Name = "Müller, Straße; Łukasz, Ελένη, Наталья in one line"
	return p
}
