package printing

import (
	"slices"
	"strings"

	"onebook/internal/civil"
	"onebook/internal/document"
	"onebook/internal/estimate"
	"onebook/internal/invoice"
	"onebook/internal/sale"
	"onebook/internal/totals"
)

// Paper is what an issued invoice looks like.
func Paper(i invoice.Invoice, payURL string, logo []byte) document.Paper {
	f, t := i.Frozen, i.Body.Totals
	body := supplied(i.Body, i.IssuedOn)
	from, to := body.Service()
	if !from.IsZero() {
		body = i.Body // one date for the whole document stands in its head
	}
	p := common(i.Number, i.Body, body.Lines, f, logo)
	p.Kind, p.IssuedOn, p.DueOn, p.ServiceFrom, p.ServiceTo = document.Invoice, i.IssuedOn, i.DueOn, from, to
	for _, x := range i.Instalments {
		p.Instalments = append(p.Instalments, document.Instalment(x))
	}
	p.Paid, p.Due, p.Reference, p.PayURL = t.Prepaid, t.Payable, i.Number, payURL
	if t := f.Transfer(i.Number, t.Payable, i.Body.Currency); t != nil {
		p.Reference = t.Reference
		p.Transfer = &document.Transfer{Holder: t.Holder, IBAN: t.IBAN, BIC: t.BIC, Bank: t.Bank, Reference: t.Reference, Code: t.EPC}
	}
	return p
}

// Offer is what a sent estimate looks like.
func Offer(e estimate.Estimate, url string, logo []byte) document.Paper {
	p := common(e.Number, e.Body, e.Body.Lines, e.Frozen, logo)
	words := wordsOf(e.Frozen.Locale)
	for n, l := range e.Body.Lines {
		if !l.Choice() {
			continue
		}
		p.Lines[n].Description = strings.TrimSpace(words.choice(l) + "\n" + l.Description)
		if !l.Counts() {
			p.Lines[n].Net = 0 // its price stands beside it; the sums of the pages are of what counts
		}
	}
	if e.Conditions != nil && e.Conditions.Text != "" {
		p.Terms = strings.TrimSpace(e.Conditions.Text + "\n\n" + p.Terms)
	}
	p.Kind, p.IssuedOn, p.ValidUntil, p.PayURL = document.Estimate, e.IssuedOn, e.ValidUntil, url
	p.ServiceFrom, p.ServiceTo = e.Body.Service()
	return p
}

// common is what all documents say; what only one kind says is added by those who call.
func common(number string, b sale.Body, lines []sale.Line, f *sale.Frozen, logo []byte) document.Paper {
	t := b.Totals
	p := document.Paper{
		Layout: f.Layout, Number: number, Locale: f.Locale, Currency: b.Currency,
		Seller: document.Seller{
			Name: f.Seller.Name, Address: f.Seller.Address, TaxID: f.Seller.TaxID, Email: f.Seller.Email, Phone: f.Seller.Phone,
			Website: f.Seller.Website, Accent: f.Look.Accent, Logo: logo,
		},
		Client:        document.Client{Name: f.Client.Name, Company: f.Client.Company, Address: f.Client.Address, TaxID: f.Client.TaxID},
		PricesWithTax: b.PricesIncludeTax, Subtotal: t.Subtotal, Total: t.Total, Withheld: t.Withheld,
		PurchaseOrder: b.PurchaseOrder, Notes: b.Notes, Terms: f.Look.Terms, Footer: f.Look.Footer,
	}
	for _, l := range lines {
		p.Lines = append(p.Lines, line(l, f))
	}
	words := wordsOf(f.Locale)
	if t.Allowances != 0 {
		p.Allowances = append(p.Allowances, document.Adjustment{Label: words.allowances, Amount: t.Allowances})
	}
	if t.Charges != 0 {
		p.Charges = append(p.Charges, document.Adjustment{Label: words.charges, Amount: t.Charges})
	}
	for _, x := range t.Taxes {
		p.Taxes = append(p.Taxes, document.Tax{
			Label: words.tax(x.Name), Category: x.Category, Rate: x.Rate, Taxable: x.Taxable, Tax: x.Tax, Withheld: x.Withheld,
		})
	}
	p.Reasons = reasons(b, words)
	return p
}

// supplied gives the lines without a date of supply the day of issue, which is theirs (rules.md §11).
func supplied(b sale.Body, issued civil.Date) sale.Body {
	b.Lines = slices.Clone(b.Lines)
	for n := range b.Lines {
		if l := &b.Lines[n]; l.ServiceDate.IsZero() && l.ServiceFrom.IsZero() {
			l.ServiceDate = issued
		}
	}
	return b
}

func line(l sale.Line, f *sale.Frozen) document.Line {
	from, to := l.ServiceFrom, l.ServiceTo
	if !l.ServiceDate.IsZero() {
		from, to = l.ServiceDate, l.ServiceDate
	}
	out := document.Line{
		Name: l.Name, Description: l.Description, Quantity: l.Quantity, Unit: unit(l.Unit, l.Quantity, f), UnitPrice: l.UnitPrice, Net: l.Net,
		ServiceFrom: from, ServiceTo: to,
	}
	for _, x := range l.Taxes {
		if x.Withheld || x.Rate.Sign() == 0 {
			continue
		}
		if out.Tax != "" {
			out.Tax += " + "
		}
		out.Tax += x.Rate.Trim().String() + " %"
	}
	if l.Discount != nil {
		switch {
		case l.Discount.Amount.Given():
			out.Discount = "−" + l.Discount.Amount.String()
		case l.Discount.Percent.Given():
			out.Discount = "−" + l.Discount.Percent.Trim().String() + " %"
		}
	}
	return out
}

// reasons are the sentences that the law wants where no tax is charged, each once.
func reasons(b sale.Body, words words) []string {
	var out []string
	seen := map[string]bool{}
	add := func(s string) {
		if s != "" && !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	for _, l := range b.Lines {
		add(l.Reason)
		for _, t := range l.Taxes {
			if l.Reason == "" {
				add(words.reason[t.Category])
			}
		}
	}
	return out
}

type words struct {
	allowances, charges, vat string
	optional, choiceOf       string            // a line that may be taken, and one of several
	included, excluded       string            // whether it counts
	reason                   map[string]string // by category, when nobody gave one
}

// choice says that a line is for the client to choose, and whether it counts as things stand.
func (w words) choice(l sale.Line) string {
	what, how := w.optional, w.excluded
	if l.Group != "" {
		what = w.choiceOf + " " + l.Group
	}
	if l.Counts() {
		how = w.included
	}
	return what + ", " + how
}

// tax names a tax: VAT has a word of its own in each language, others keep their name.
func (w words) tax(name string) string {
	if name == "" || name == "VAT" {
		return w.vat
	}
	return name
}

func wordsOf(locale string) words {
	if len(locale) >= 2 && locale[:2] == "de" {
		return words{allowances: "Nachlass", charges: "Zuschlag", vat: "USt.",
			optional: "Optional", choiceOf: "Zur Wahl", included: "in der Summe enthalten", excluded: "in der Summe nicht enthalten", reason: map[string]string{
				totals.ReverseCharge: "Steuerschuldnerschaft des Leistungsempfängers", totals.IntraEU: "Steuerfreie innergemeinschaftliche Lieferung",
				totals.Export: "Steuerfreie Ausfuhrlieferung", totals.Exempt: "Umsatzsteuerfrei", totals.OutsideScope: "Nicht steuerbar",
			}}
	}
	return words{allowances: "Discount", charges: "Surcharge", vat: "VAT",
		optional: "Optional", choiceOf: "Choice", included: "included in the total", excluded: "not included in the total", reason: map[string]string{
			totals.ReverseCharge: "Reverse charge", totals.IntraEU: "Intra-community supply, exempt from VAT",
			totals.Export: "Export, exempt from VAT", totals.Exempt: "Exempt from VAT", totals.OutsideScope: "Outside the scope of VAT",
		}}
}
