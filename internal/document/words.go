package document

import (
	"fmt"
	"strings"

	"onebook/internal/civil"
	"onebook/internal/money"
)

// words are all texts that a document says by itself, in one language.
type words struct {
	language                                              string
	kind                                                  map[Kind]kindWords
	issued, due, valid, service, period                   string
	reference, buyerReference, refers                     string
	from, vatID, taxID                                    string
	item, quantity, price, priceWithTax, tax, amount, net string
	carried, brought                                      string
	subtotal, total, withheld, paid, amountDue            string
	dueBy, paidInFull                                     string
	payOnline, viewOnline, acceptOnline, scan             string
	transfer, holder, bank, scanBank, purchaseOrder       string
	notes, terms, instalments                             string
	taxOn                                                 string // label with rate, taxable amount
	percent                                               string
	discount                                              string
	subject                                               string // title with number, seller, client
	months                                                [12]string
	ordinal                                               string // behind the day of a month
}

type kindWords struct{ title, client, headline string }

var english = words{
	language: "en",
	kind: map[Kind]kindWords{
		Estimate:   {"Estimate", "Prepared for", "Total"},
		Invoice:    {"Invoice", "Billed to", "Amount due"},
		CreditNote: {"Credit note", "Credited to", "Total credit"},
	},
	issued: "Date", due: "Due date", valid: "Valid until",
	service: "Date of supply", period: "Period of supply",
	reference: "Payment reference", buyerReference: "Your reference", refers: "Refers to",
	from: "From", vatID: "VAT ID", taxID: "Tax ID",
	item: "Description", quantity: "Quantity", price: "Unit price", priceWithTax: "Price incl. tax",
	tax: "Tax", amount: "Amount", net: "Net amount",
	carried: "Carried forward", brought: "Brought forward",
	subtotal: "Subtotal", total: "Total", withheld: "Withheld by the client", paid: "Paid", amountDue: "Amount due",
	dueBy: "Due by %s", paidInFull: "Paid in full, thank you",
	payOnline: "Pay online", viewOnline: "View online", acceptOnline: "View and accept online", scan: "Scan the code or follow the link",
	transfer: "Pay by bank transfer", holder: "Account holder", bank: "Bank", scanBank: "Scan with your banking app",
	purchaseOrder: "Purchase order",
	notes:         "Notes", terms: "Terms",
	instalments: "Instalments",
	taxOn:       "%s on %s", percent: "%s%%", discount: "Discount: %s",
	subject: "%s from %s for %s",
	months: [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September",
		"October", "November", "December"},
}

var german = words{
	language: "de",
	kind: map[Kind]kindWords{
		Estimate:   {"Angebot", "Angebot für", "Gesamtbetrag"},
		Invoice:    {"Rechnung", "Rechnung an", "Offener Betrag"},
		CreditNote: {"Rechnungskorrektur", "Korrektur für", "Gutgeschriebener Betrag"},
	},
	issued: "Datum", due: "Fällig am", valid: "Gültig bis",
	service: "Leistungsdatum", period: "Leistungszeitraum",
	reference: "Verwendungszweck", buyerReference: "Ihr Zeichen", refers: "Bezieht sich auf",
	from: "Von", vatID: "USt-IdNr.", taxID: "Steuernummer",
	item: "Beschreibung", quantity: "Menge", price: "Einzelpreis", priceWithTax: "Preis inkl. Steuer",
	tax: "Steuer", amount: "Betrag", net: "Nettobetrag",
	carried: "Übertrag", brought: "Übertrag von voriger Seite",
	subtotal: "Zwischensumme", total: "Gesamtbetrag", withheld: "Vom Kunden einbehalten", paid: "Bezahlt",
	amountDue: "Offener Betrag",
	dueBy:     "Fällig am %s", paidInFull: "Vollständig bezahlt, vielen Dank",
	payOnline: "Online bezahlen", viewOnline: "Online ansehen", acceptOnline: "Online ansehen und annehmen", scan: "Code scannen oder dem Link folgen",
	transfer: "Per Überweisung bezahlen", holder: "Kontoinhaber", bank: "Bank", scanBank: "Mit der Banking-App scannen",
	purchaseOrder: "Bestellnummer",
	notes:         "Anmerkungen", terms: "Bedingungen",
	instalments: "Raten",
	taxOn:       "%s auf %s", percent: "%s %%", discount: "Nachlass: %s",
	subject: "%s von %s für %s",
	months: [12]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September",
		"Oktober", "November", "Dezember"},
	ordinal: ".",
}

func wordsOf(locale string) *words {
	language, _, _ := strings.Cut(strings.ReplaceAll(locale, "_", "-"), "-")
	if strings.EqualFold(language, "de") {
		return &german
	}
	return &english
}

// days answers a date, or a period as short as it can be said: "1–31 March 2026".
func (w *words) days(from, to civil.Date) string {
	switch {
	case from.IsZero() && to.IsZero():
		return ""
	case to.IsZero() || from == to:
		return w.date(from)
	case from.IsZero():
		return w.date(to)
	case from.Year == to.Year && from.Month == to.Month:
		return fmt.Sprintf("%d%s–%s", from.Day, w.ordinal, w.date(to))
	case from.Year == to.Year:
		return fmt.Sprintf("%d%s %s – %s", from.Day, w.ordinal, w.months[from.Month-1], w.date(to))
	}
	return w.date(from) + " – " + w.date(to)
}

func (w *words) date(d civil.Date) string {
	return fmt.Sprintf("%d%s %s %d", d.Day, w.ordinal, w.months[d.Month-1], d.Year)
}

// idLabel names a tax number: VAT numbers of the European Union and its neighbours begin with their country's letters.
func (w *words) idLabel(id string) string {
	if len(id) > 2 && id[0] >= 'A' && id[0] <= 'Z' && id[1] >= 'A' && id[1] <= 'Z' {
		return w.vatID
	}
	return w.taxID
}

// minus sets a true minus sign before a negative figure.
func minus(figure string) string {
	if rest, negative := strings.CutPrefix(figure, "-"); negative {
		return "−" + rest
	}
	return figure
}

func (p *Paper) figure(minor int64) string {
	return minus(money.DisplayNumber(minor, p.Currency, p.Locale))
}

func (p *Paper) withCurrency(minor int64) string {
	return minus(money.Display(minor, p.Currency, p.Locale))
}

// price answers a unit price with the currency's decimals, or more where it has more.
func (p *Paper) price(d money.Decimal) string {
	text := d.Trim().String()
	exponent, _ := money.Exponent(p.Currency)
	whole, decimals, _ := strings.Cut(text, ".")
	if missing := exponent - len(decimals); missing > 0 {
		if padded, err := money.ParseDecimal(whole + "." + decimals + strings.Repeat("0", missing)); err == nil {
			d = padded
		}
	} else {
		d = d.Trim()
	}
	return minus(d.Display(p.Locale))
}
