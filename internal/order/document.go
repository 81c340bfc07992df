package order

import (
	"fmt"
	"strings"

	"onebook/internal/civil"
	"onebook/internal/money"
	"onebook/internal/sale"
	"onebook/internal/totals"
)

// Advance answers the content of an invoice over a share of the order: one line under that name for each combination of
// taxes. amount is with tax; billed are the order's other documents. Errors as Take.
func (o Order) Advance(name string, amount int64, billed ...sale.Body) (sale.Body, error) {
	if err := o.Divisible(); err != nil {
		return sale.Body{}, err
	}
	parts, err := o.Take(amount, billed...)
	if err != nil {
		return sale.Body{}, err
	}
	lines := make([]sale.Line, len(parts))
	for n, p := range parts {
		if lines[n], err = sale.PartLine(o.Body, name, "", "", p); err != nil {
			return sale.Body{}, err
		}
	}
	return o.Body.Only(lines...)
}

// Issued is an invoice that a final one takes off.
type Issued struct {
	ID, Number string
	On         civil.Date
	Apart      bool // it stays to be paid by itself
	Body       sale.Body
}

// Final answers the content of the invoice over all that was agreed, less what these have billed: one line for each of them
// and each combination of taxes, with the net and the taxes as they were invoiced (rules.md §11).
func (o Order) Final(locale string, off []Issued) (sale.Body, error) {
	w := wordsOf(locale)
	var lines []sale.Line
	for _, i := range off {
		parts, err := i.Body.Parts()
		if err != nil {
			return sale.Body{}, err
		}
		for _, p := range parts {
			name := fmt.Sprintf(w.less, i.Number, i.On)
			if i.Apart {
				name += w.apart
			}
			l, err := sale.PartLine(o.Body, name, w.openly(p, o.Body.Currency, locale), i.ID, p.Negate())
			if err != nil {
				return sale.Body{}, err
			}
			lines = append(lines, l)
		}
	}
	return o.Body.With(lines...)
}

// DepositName is what the line of a deposit says.
func (o Order) DepositName(locale string) string {
	return fmt.Sprintf(wordsOf(locale).deposit, o.Title)
}

// words are what an order writes on the lines of its invoices, in one language.
type words struct{ deposit, less, apart, net, vat string }

func wordsOf(locale string) words {
	if strings.HasPrefix(locale, "de") {
		return words{"Anzahlung zu %s", "Abzüglich Rechnung %s vom %s", " (gesondert zu zahlen)", "netto", "USt."}
	}
	return words{"Deposit on %s", "Less invoice %s of %s", " (to be paid by itself)", "net", "VAT"}
}

// openly says the net and each tax of what is taken off, as they were invoiced.
func (w words) openly(p totals.Part, currency, locale string) string {
	text := w.net + " " + money.Display(p.Net, currency, locale)
	for _, r := range p.Rows {
		name := r.Name
		if name == "VAT" {
			name = w.vat
		}
		text += fmt.Sprintf(", %s %s %%: %s", name, r.Rate.Trim().Display(locale), money.Display(r.Tax, currency, locale))
	}
	return text
}
